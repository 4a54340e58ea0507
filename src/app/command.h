// Commands: what the command line is made of. A tree of plain values; help and shell completion are made from it.
//
// CLI11 takes an argument list apart behind this header. Nobody else knows it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "app/settings.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"

namespace app {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;  // it could not be done, or the answer is no
inline constexpr int kExitUsage = 2;   // what was asked is wrong: arguments, settings, what a server refused as invalid

// The world a command runs in.
struct Context {
  Environment environment;
  base::Clock& clock;
  base::Random& random;
  std::function<bool(std::string_view text)> out;  // standard output; false when nobody reads it any more
  std::function<void(std::string_view text)> err;
};

struct Option {
  std::string name;   // "--listen"; without dashes it is an argument by its place: "ID"
  std::string value;  // what stands for its value, "HOST:PORT"; empty: a switch
  std::variant<bool*, std::string*, int*, std::vector<std::string>*> target;
  std::string help;
  bool required = false;
  bool once = false;  // not repeatable, although it is read into a list
};

struct Command {
  std::string name;
  std::string summary;       // one line
  std::string details = {};  // paragraphs, wrapped when shown; indented lines stay as they are
  std::vector<Option> options = {};
  std::vector<Command> commands = {};
  std::vector<std::string>* rest = nullptr;  // takes what follows "--"
  std::string rest_name = {};
  // Called after the targets are filled. An error is printed; kInvalid exits with kExitUsage, others with kExitFailed.
  std::function<base::Result<int>()> run = {};
  bool hidden = false;  // from help and completion: for the program's own use
};

// Finds the command, fills its options and runs it. The return value is the process's exit code.
int RunCommandLine(const Command& root, const std::vector<std::string>& arguments, Context& context);

// `path` is how the command is called: "runbell delivery list".
std::string FormatHelp(const Command& command, const std::string& path);

}  // namespace app
