// Private to runner/: the command lines of terraform and tofu, and running them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runner/control.h"
#include "runner/printer.h"

namespace runner {

struct ToolCommand {
  std::string program;
  std::string directory;
  std::vector<std::string> plan_options;
  std::vector<std::string> apply_options;  // those of the plan that an apply understands too
  bool destroy = false;
};
// "--name=value" and "-name=value" are the same to the tool.
struct Option {
  std::string name, value;
};
Option SplitOption(std::string_view text);

base::Result<ToolCommand> ParseToolCommand(const RunOptions& options);  // kInvalid, kNotFound: no such program

struct ToolEnd {
  proc::Exit exit;
  run::StreamTracker tracker;
  bool unsupported = false;             // speaks a version of the stream that is not understood
  std::vector<run::StreamLine> errors;  // what went wrong, never empty after a failure
};

// Runs one step at a time on the calling thread, shows its progress and passes interrupts on.
class Tool {
 public:
  Tool(ToolCommand command, std::string plan_file, base::Clock& clock, Control& control, Printer& printer);

  base::Result<ToolEnd> Init();
  base::Result<ToolEnd> Plan();
  base::Result<ToolEnd> Apply();
  base::Result<run::PlanSummary> Show();  // reads the saved plan

 private:
  proc::Command MakeCommand(std::vector<std::string> arguments) const;
  base::Result<ToolEnd> RunStep(std::string_view name, std::vector<std::string> arguments);

  const ToolCommand command_;
  const std::string plan_file_;
  base::Clock& clock_;
  Control& control_;
  Printer& printer_;
};

}  // namespace runner
