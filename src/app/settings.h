// Settings: everything an operator can choose, from one table.
//
// A row of the table gives a setting's key in the file, its environment variable (`a.b` is RUNBELL_A_B), its flag, its
// default, what is allowed and its help; `config show`, `--help` and docs/configuration.md are made from the same row.
// A flag wins over the environment, the environment over the file, the file over the default. Nothing changes while a
// server runs. The process's environment is read here and nowhere else.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/secret.h"
#include "deliver/deliver.h"
#include "net/net.h"
#include "serve/serve.h"
#include "store/store.h"

namespace app {

struct Settings {
  std::string listen;        // HOST:PORT, checked
  std::string external_url;  // empty: the address listened on
  std::vector<std::string> egress_allow;
  base::LogLevel log_level = base::LogLevel::kInfo;
  store::Options store;
  deliver::Options deliver;
  serve::Options serve;
};

// Where a setting's value goes, which also says what kind of value it is.
using Target = std::variant<std::string& (*)(Settings&),               // text
                            std::vector<std::string>& (*)(Settings&),  // a list of texts
                            int& (*)(Settings&),                       // a whole number
                            base::Micros& (*)(Settings&),              // a duration
                            void (*)(Settings&, int),                  // one of `words`, by its place
                            base::Secret& (*)(Settings&)>;             // 32 bytes, or file:PATH

struct Setting {
  std::string_view key;  // "server.listen"
  Target target;
  std::string_view fallback;    // the default as it would be written; empty: none
  int64_t least = 0, most = 0;  // of whole numbers, and of durations in microseconds
  std::string_view words = {};  // "silent|errored"
  base::Status (*check)(std::string_view text) = nullptr;
  std::string_view flag = {};   // empty: "--" and the key with '-' for '.' and '_'
  std::string_view value = {};  // what stands for the value in help: "HOST:PORT"
  std::string_view help = {};

  bool is_secret() const { return std::holds_alternative<base::Secret& (*)(Settings&)>(target); }
  bool is_list() const { return std::holds_alternative<std::vector<std::string>& (*)(Settings&)>(target); }
  std::string Flag() const;      // "--listen"; empty for secrets, which no command line may carry
  std::string Variable() const;  // "RUNBELL_SERVER_LISTEN"
  std::string Allowed() const;   // "a whole number from 1 to 1000", for help and errors
};
const std::vector<Setting>& AllSettings();
const Setting* FindSetting(std::string_view key);

using Environment = std::map<std::string, std::string>;
Environment ReadEnvironment();  // of this process

struct SettingsInput {
  std::string file;  // empty: none
  Environment environment;
  std::map<std::string, std::vector<std::string>> flags;  // by key; empty: not given
};

struct LoadedSettings {
  Settings settings;
  struct Origin {
    std::string text;    // as given, secrets masked
    std::string source;  // "default", "runbell.toml:3", "RUNBELL_SERVER_LISTEN", "--listen"
  };
  std::vector<Origin> origins;  // in the table's order
};
// kInvalid with one line for every unknown key and bad value, each beginning with where it stands.
base::Result<LoadedSettings> LoadSettings(const SettingsInput& input);
Settings DefaultSettings();

struct HostPort {
  std::string host;  // an address without brackets
  uint16_t port = 0;
};
base::Result<HostPort> ParseHostPort(std::string_view text);

std::string FormatSettingsTable(const LoadedSettings& loaded);  // for `config show`
std::string FormatSettingsPage();                               // docs/configuration.md

// The closest of `names` to what was written, when one is close enough to have been meant; otherwise empty.
std::string_view NearestName(std::string_view written, const std::vector<std::string_view>& names);

}  // namespace app
