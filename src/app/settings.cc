#include "app/settings.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

#include "app/settings_file.h"
#include "app/table.h"
#include "base/crypto.h"
#include "base/hex.h"
#include "base/time_text.h"

namespace app {
namespace {

constexpr int64_t kSecond = 1'000'000, kMinute = 60 * kSecond, kHour = 60 * kMinute, kDay = 24 * kHour;

base::Status CheckListen(std::string_view text) {
  RB_TRY(ParseHostPort(text));
  return {};
}

base::Status CheckExternalUrl(std::string_view text) {
  RB_ASSIGN(net::Url url, net::ParseUrl(text));
  if (url.target.find('?') != std::string::npos) return base::Invalid("a query has no place here");
  return {};
}

base::Status CheckEgressRule(std::string_view text) { return net::Egress().Allow(text); }

base::Status CheckAccountId(std::string_view text) {
  bool fits = text.starts_with("acc-") && text.size() > 4 && text.size() <= 64 &&
              text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
  if (!fits) return base::Invalid("it must be acc- and small letters or digits, 64 characters at most");
  return {};
}

base::Status CheckName(std::string_view text) {
  if (text.size() > 255) return base::Invalid("255 bytes at most");
  return {};
}

std::vector<Setting> Rows() {
  using S = Settings;
  using Time = base::Micros;
  return {
      {"server.listen",
       [](S& s) -> std::string& { return s.listen; },
       "127.0.0.1:8170",
       0,
       0,
       {},
       CheckListen,
       "--listen",
       "HOST:PORT",
       "Address and port of the API, of `/healthz`, `/readyz` and `/metrics`, and of the small pages behind the links "
       "of "
       "payloads. Port 0 takes any free one."},
      {"server.external_url",
       [](S& s) -> std::string& { return s.external_url; },
       "",
       0,
       0,
       {},
       CheckExternalUrl,
       "--external-url",
       "URL",
       "How people reach this server: links in payloads begin with it. Without it, the address listened on."},
      {"server.workers",
       [](S& s) -> int& { return s.serve.workers; },
       "2",
       1,
       64,
       {},
       nullptr,
       {},
       "N",
       "Threads that answer API requests which read the disk."},
      {"data.directory",
       [](S& s) -> std::string& { return s.store.directory; },
       "./runbell-data",
       0,
       0,
       {},
       nullptr,
       "--data",
       "DIR",
       "Where everything is kept: the database and the key file. Made when missing."},
      {"account.id",
       [](S& s) -> std::string& { return s.store.account_id; },
       "",
       0,
       0,
       {},
       CheckAccountId,
       {},
       "acc-ID",
       "The account's id in the API. Made when the data directory is first opened; fixed from then on."},
      {"account.name",
       [](S& s) -> std::string& { return s.store.account_name; },
       "",
       0,
       0,
       {},
       CheckName,
       {},
       "NAME",
       "The account's name, fixed like its id. Without it, `main`."},
      {"secrets.key",
       [](S& s) -> base::Secret& { return s.store.key; },
       "",
       0,
       0,
       {},
       nullptr,
       {},
       "KEY",
       "The key that seals secrets at rest: 32 bytes as 64 hexadecimal digits or base64, or `file:PATH` of a file that "
       "holds them. Without it, the file `secret.key` in the data directory, made when the directory is first opened."},
      {"egress.allow",
       [](S& s) -> std::vector<std::string>& { return s.egress_allow; },
       "",
       0,
       0,
       {},
       CheckEgressRule,
       "--egress-allow",
       "CIDR[:PORT]",
       "Opens the egress guard for a range: webhooks may then be sent to these addresses, although they are private, "
       "loopback or link-local. Cloud metadata addresses stay closed."},
      {"deliver.per_endpoint",
       [](S& s) -> int& { return s.deliver.per_endpoint; },
       "32",
       1,
       10'000,
       {},
       nullptr,
       {},
       "N",
       "Requests under way at once to one endpoint."},
      {"deliver.per_host",
       [](S& s) -> int& { return s.deliver.per_host; },
       "64",
       1,
       10'000,
       {},
       nullptr,
       {},
       "N",
       "Requests under way at once to one host, by the name in the url and whatever the port, for all endpoints on it "
       "together."},
      {"deliver.max_timeout",
       [](S& s) -> Time& { return s.deliver.max_timeout; },
       "60s",
       kSecond,
       kHour,
       {},
       nullptr,
       {},
       "DURATION",
       "Caps the `timeout` of an endpoint."},
      {"retention.deliveries",
       [](S& s) -> Time& { return s.store.keep_bodies; },
       "90d",
       kHour,
       3650 * kDay,
       {},
       nullptr,
       {},
       "DURATION",
       "How long bodies and attempts of finished deliveries are kept. What still waits is never removed."},
      {"retention.changes",
       [](S& s) -> Time& { return s.store.keep_changes; },
       "400d",
       kHour,
       3650 * kDay,
       {},
       nullptr,
       {},
       "DURATION",
       "How long the change feed, which is also the audit log, is kept."},
      {"runs.lost_after",
       [](S& s) -> Time& { return s.store.lost_after; },
       "15m",
       kMinute,
       7 * kDay,
       {},
       nullptr,
       {},
       "DURATION",
       "How long a run's reporter may be silent before the run is errored with the reason `lost`."},
      {"runs.expire_after",
       [](S& s) -> Time& { return s.store.expire_after; },
       "30d",
       kHour,
       365 * kDay,
       {},
       nullptr,
       {},
       "DURATION",
       "How long a run without a reporter may wait before it is discarded."},
      {"events.discarded",
       [](S& s, int i) { s.store.discard_is_errored = i == 1; },
       "silent",
       0,
       0,
       "silent|errored",
       nullptr,
       {},
       "WORD",
       "Whether discarding a run is silent or rings run:errored with the reason `discarded`."},
      {"log.level",
       [](S& s, int i) { s.log_level = static_cast<base::LogLevel>(i); },
       "info",
       0,
       0,
       "debug|info|warn|error",
       nullptr,
       {},
       "WORD",
       "The least important lines that are logged."},
  };
}

std::vector<std::string_view> SplitWords(std::string_view words) {
  std::vector<std::string_view> list;
  while (!words.empty()) {
    size_t bar = std::min(words.find('|'), words.size());
    list.push_back(words.substr(0, bar));
    words.remove_prefix(std::min(bar + 1, words.size()));
  }
  return list;
}

std::optional<int64_t> ParseWholeNumber(std::string_view text) {
  int64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string Trimmed(std::string text) {
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  text.erase(0, text.find_first_not_of(" \t\r\n"));
  return text;
}

base::Result<std::string> ReadWholeFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf() || file.peek() == EOF)) {
    return base::Error(base::Code::kNotFound, "cannot be read", path);
  }
  return text.str();
}

base::Result<base::Secret> ParseKey(std::string_view text) {
  std::string plain(text);
  if (text.starts_with("file:")) {
    RB_ASSIGN(plain, ReadWholeFile(std::string(text.substr(5))));
  }
  plain = Trimmed(std::move(plain));
  auto bytes = base::ParseHex(plain);
  if (!bytes) bytes = base::ParseBase64(plain);
  if (!bytes || bytes->size() != base::kSealKeyBytes) {
    return base::Invalid("it is not 32 bytes as 64 hexadecimal digits or base64");
  }
  return base::Secret(std::move(*bytes));
}

// Puts one checked value into the settings. Errors do not repeat the value: it may be a secret.
struct Apply {
  const Setting& row;
  Settings& settings;
  const std::vector<std::string>& values;

  base::Error NotAllowed() const { return base::Invalid("not " + row.Allowed()); }
  base::Status Check(std::string_view text) const { return row.check == nullptr ? base::Status() : row.check(text); }

  base::Status operator()(std::string& (*field)(Settings&)) const {
    if (!values[0].empty()) RB_TRY(Check(values[0]));
    field(settings) = values[0];
    return {};
  }
  base::Status operator()(std::vector<std::string>& (*field)(Settings&)) const {
    for (const std::string& value : values) {
      if (auto fits = Check(value); !fits) return std::move(fits).error().In("\"" + value + "\"");
    }
    field(settings) = values;
    return {};
  }
  base::Status operator()(int& (*field)(Settings&)) const {
    auto number = ParseWholeNumber(values[0]);
    if (!number || *number < row.least || *number > row.most) return NotAllowed();
    field(settings) = static_cast<int>(*number);
    return {};
  }
  base::Status operator()(base::Micros& (*field)(Settings&)) const {
    auto duration = base::ParseDuration(values[0]);
    if (!duration || duration->count() < row.least || duration->count() > row.most) return NotAllowed();
    field(settings) = *duration;
    return {};
  }
  base::Status operator()(void (*set)(Settings&, int)) const {
    auto words = SplitWords(row.words);
    auto found = std::find(words.begin(), words.end(), values[0]);
    if (found == words.end()) return NotAllowed();
    set(settings, static_cast<int>(found - words.begin()));
    return {};
  }
  base::Status operator()(base::Secret& (*field)(Settings&)) const {
    if (values[0].empty()) return {};
    RB_ASSIGN(field(settings), ParseKey(values[0]));
    return {};
  }
};

struct Given {
  std::vector<std::string> values;
  std::string source;
};

// Collects what was given and everything that is wrong with it.
class Loader {
 public:
  explicit Loader(const SettingsInput& input) : input_(input), given_(AllSettings().size()) {}

  base::Result<LoadedSettings> Load() {
    TakeDefaults();
    TakeFile();
    TakeEnvironment();
    TakeFlags();
    LoadedSettings loaded;
    for (size_t i = 0; i < given_.size(); i++) SetOne(AllSettings()[i], given_[i], loaded);
    if (problems_.empty()) return loaded;
    std::string all;
    for (const std::string& problem : problems_) all += (all.empty() ? "" : "\n") + problem;
    return base::Invalid(std::move(all));
  }

 private:
  void Complain(const std::string& where, std::string_view what) {
    problems_.push_back(Harmless(fmt::format("{}: {}", where, what)));
  }

  void TakeDefaults() {
    for (size_t i = 0; i < given_.size(); i++) {
      const Setting& row = AllSettings()[i];
      given_[i].source = "default";
      if (!row.is_list()) given_[i].values.emplace_back(row.fallback);
    }
  }

  void TakeFile() {
    if (input_.file.empty()) return;
    auto text = ReadWholeFile(input_.file);
    if (!text) return Complain(input_.file, "the settings file cannot be read");
    auto entries = ParseSettingsFile(*text, input_.file);
    if (!entries) return Complain(entries.error().where, entries.error().message);
    for (FileEntry& entry : *entries) TakeEntry(entry, fmt::format("{}:{}", input_.file, entry.line));
  }

  void TakeEntry(FileEntry& entry, const std::string& where) {
    const Setting* row = FindSetting(entry.key);
    if (row == nullptr) {
      if (entry.kind != FileEntry::Kind::kTable || !IsSection(entry.key)) UnknownKey(entry.key, where);
      return;
    }
    bool number = std::holds_alternative<int& (*)(Settings&)>(row->target);
    bool fits = row->is_list() ? entry.kind == FileEntry::Kind::kList
                               : entry.kind == (number ? FileEntry::Kind::kNumber : FileEntry::Kind::kText);
    if (!fits) {
      std::string_view form = row->is_list() ? "a list of texts, [\"...\"]" : number ? "a number" : "a text in quotes";
      return Complain(where, fmt::format("{}: it must be written as {}", entry.key, form));
    }
    if (row->is_secret() && !entry.values[0].starts_with("file:")) {
      return Complain(where, fmt::format("{}: a secret does not belong into this file; write \"file:PATH\", or set {}",
                                         entry.key, row->Variable()));
    }
    Take(*row, std::move(entry.values), where);
  }

  void TakeEnvironment() {
    for (const auto& [name, value] : input_.environment) {
      if (!name.starts_with("RUNBELL_")) continue;
      const auto& all = AllSettings();
      auto row = std::find_if(all.begin(), all.end(), [&n = name](const Setting& s) { return s.Variable() == n; });
      if (row == all.end()) {
        UnknownVariable(name, value);
      } else if (row->is_list()) {
        Take(*row, SplitList(value), name);
      } else {
        Take(*row, {value}, name);
      }
    }
  }

  static std::vector<std::string> SplitList(const std::string& value) {
    std::vector<std::string> items;
    std::istringstream stream(value);
    for (std::string item; std::getline(stream, item, ',');) {
      if (item = Trimmed(item); !item.empty()) items.push_back(item);
    }
    return items;
  }

  void TakeFlags() {
    for (const auto& [key, values] : input_.flags) {
      const Setting* row = FindSetting(key);
      RB_CHECK(row != nullptr);
      if (values.size() > 1 && !row->is_list()) Complain(row->Flag(), "given more than once");
      if (!values.empty()) Take(*row, values, row->Flag());
    }
  }

  void Take(const Setting& row, std::vector<std::string> values, std::string source) {
    given_[static_cast<size_t>(&row - AllSettings().data())] = {std::move(values), std::move(source)};
  }

  void SetOne(const Setting& row, const Given& given, LoadedSettings& loaded) {
    auto set = std::visit<base::Status>(Apply{row, loaded.settings, given.values}, row.target);
    bool masked = row.is_secret() && !given.values[0].empty() && !given.values[0].starts_with("file:");
    std::string text;
    for (const std::string& value : given.values) text += (text.empty() ? "" : ", ") + value;
    if (masked) text = "(secret)";
    if (!set) {
      std::string shown = row.is_list() || row.is_secret() ? "" : fmt::format("\"{}\": ", text);
      Complain(given.source, fmt::format("{}: {}{}", row.key, shown, set.error().Text()));
    }
    loaded.origins.push_back({std::move(text), given.source});
  }

  static bool IsSection(std::string_view key) {
    return std::any_of(AllSettings().begin(), AllSettings().end(),
                       [&](const Setting& s) { return s.key.starts_with(key) && s.key.substr(key.size())[0] == '.'; });
  }

  void UnknownKey(const std::string& key, const std::string& where) {
    std::vector<std::string_view> keys;
    for (const Setting& row : AllSettings()) keys.push_back(row.key);
    std::string_view nearest = NearestName(key, keys);
    std::string hint = nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest);
    Complain(where, fmt::format("{}: no such setting{}", key, hint));
  }

  // Other software has a right to names that begin like ours (an image's RUNBELL_VERSION, and Kubernetes' variables
  // of a service called runbell), so only what is close to one of our names, or in one of our sections, is an error.
  void UnknownVariable(const std::string& name, const std::string& value) {
    static constexpr std::string_view kOthers[] = {"RUNBELL_SERVER", "RUNBELL_TOKEN"};
    if (std::find(std::begin(kOthers), std::end(kOthers), name) != std::end(kOthers)) return;
    bool kubernetes = name.find("_SERVICE_") != std::string::npos || name.find("_TCP") != std::string::npos ||
                      value.starts_with("tcp://");
    if (kubernetes) return;
    std::vector<std::string> names;
    for (const Setting& row : AllSettings()) names.push_back(row.Variable());
    std::string_view nearest = NearestName(name, {names.begin(), names.end()});
    bool ours = std::any_of(names.begin(), names.end(), [&](const std::string& known) {
      return name.starts_with(known.substr(0, known.find('_', sizeof("RUNBELL_") - 1) + 1));
    });
    if (nearest.empty() && !ours) return;
    std::string hint = nearest.empty() ? "" : fmt::format("; did you mean {}?", nearest);
    Complain(name, fmt::format("no such setting{}", hint));
  }

  const SettingsInput& input_;
  std::vector<Given> given_;
  std::vector<std::string> problems_;
};

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); j++) row[j] = j;
  for (size_t i = 1; i <= a.size(); i++) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); j++) {
      size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view NearestName(std::string_view written, const std::vector<std::string_view>& names) {
  std::string_view best;
  size_t best_distance = std::max<size_t>(2, written.size() / 5) + 1;
  for (std::string_view name : names) {
    size_t distance = written.size() > 64 ? written.size() : EditDistance(written, name);
    // "listen" for "server.listen": the section was forgotten.
    if (name.size() > written.size() && name.ends_with(written) && name[name.size() - written.size() - 1] == '.') {
      distance = 1;
    }
    if (distance < best_distance) {
      best = name;
      best_distance = distance;
    }
  }
  return best;
}

std::string Setting::Flag() const {
  if (is_secret()) return "";
  if (!flag.empty()) return std::string(flag);
  std::string text = "--" + std::string(key);
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '.' || c == '_'; }, '-');
  return text;
}

std::string Setting::Variable() const {
  std::string text = "RUNBELL_" + std::string(key);
  for (char& c : text) {
    if (c == '.') c = '_';
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

std::string Setting::Allowed() const {
  if (!words.empty()) {
    std::string text;
    for (std::string_view word : SplitWords(words)) text += fmt::format("{}`{}`", text.empty() ? "" : " or ", word);
    return text;
  }
  if (std::holds_alternative<int& (*)(Settings&)>(target)) {
    return fmt::format("a whole number from {} to {}", least, most);
  }
  if (std::holds_alternative<base::Micros& (*)(Settings&)>(target)) {
    return fmt::format("a duration from {} to {}, such as 30s, 5m, 2h or 7d", base::FormatDuration(base::Micros(least)),
                       base::FormatDuration(base::Micros(most)));
  }
  if (is_list()) return fmt::format("a list of {}", value);
  return std::string(value);
}

const std::vector<Setting>& AllSettings() {
  static const std::vector<Setting> kAll = Rows();
  return kAll;
}

const Setting* FindSetting(std::string_view key) {
  for (const Setting& row : AllSettings()) {
    if (row.key == key) return &row;
  }
  return nullptr;
}

Environment ReadEnvironment() {
  Environment all;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; entry++) {
    std::string_view text(*entry);
    size_t equals = text.find('=');
    if (equals != std::string_view::npos) all.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return all;
}

base::Result<LoadedSettings> LoadSettings(const SettingsInput& input) { return Loader(input).Load(); }

Settings DefaultSettings() {
  auto loaded = LoadSettings({});
  RB_CHECK(loaded.has_value());
  return std::move(loaded->settings);
}

base::Result<HostPort> ParseHostPort(std::string_view text) {
  size_t colon = text.rfind(':');
  auto port = colon == std::string_view::npos ? std::nullopt : ParseWholeNumber(text.substr(colon + 1));
  if (!port || *port < 0 || *port > 65535) return base::Invalid("it is not HOST:PORT");
  std::string_view host = text.substr(0, colon);
  bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  auto address = net::ParseAddress(host);
  if (!address || address->v6 != bracketed) {
    return base::Invalid("HOST must be an address, such as 127.0.0.1, 0.0.0.0 or [::1]");
  }
  return HostPort{std::string(host), static_cast<uint16_t>(*port)};
}

}  // namespace app
