#include "runner/tool.h"

#include <algorithm>
#include <deque>

namespace runner {

using base::Result;
using run::StreamLine;

namespace {

constexpr size_t kMaxPlanBytes = size_t{256} << 20;
constexpr size_t kMaxPlanDepth = 512;
constexpr size_t kKeptTextLines = 40;

std::string Join(const std::string& directory, const std::string& more) {
  if (directory.empty() || more.starts_with('/')) return more;
  return directory + "/" + more;
}

base::Status TakeOption(const std::string& text, ToolCommand& command) {
  const Option option = SplitOption(text);
  if (option.name == "out") {
    return base::Invalid("-out is the wrapper's own: what is applied is the plan that was decided on");
  }
  const bool ours = option.name == "json" || option.name == "detailed-exitcode" || option.name == "input";
  if (ours) {
    const bool wanted = option.name != "input";
    if ((option.value.empty() || option.value == "true") == wanted) return {};
    return base::Invalid("-" + option.name + " is the wrapper's own and cannot be changed");
  }
  if (option.name == "chdir" && !option.value.empty()) {
    command.directory = Join(command.directory, option.value);
    return {};
  }
  if (option.name == "destroy") {
    command.destroy = option.value.empty() || option.value == "true";
    return {};
  }
  if (option.name == "lock" || option.name == "lock-timeout" || option.name == "parallelism") {
    if (!option.value.empty()) command.apply_options.push_back(text);
  }
  command.plan_options.push_back(text);
  return {};
}

// The last lines of plain text, and the errors among them: what there is when a tool fails outside its JSON stream.
class TextTail {
 public:
  void Take(std::string_view line) {
    lines_.emplace_back(line);
    if (lines_.size() > kKeptTextLines) lines_.pop_front();
  }
  std::vector<StreamLine> Errors() const {
    std::vector<StreamLine> errors;
    for (const auto& line : lines_) {
      const size_t at = line.find("Error: ");
      if (at != std::string::npos) errors.push_back(MakeError(line.substr(at + 7)));
    }
    if (!errors.empty()) return errors;
    auto last = std::find_if(lines_.rbegin(), lines_.rend(),
                             [](const auto& line) { return line.find_first_not_of(" \t") != std::string::npos; });
    if (last != lines_.rend()) errors.push_back(MakeError(*last));
    return errors;
  }
  static StreamLine MakeError(std::string summary) {
    StreamLine error;
    error.type = StreamLine::Type::kDiagnostic;
    error.severity = "error";
    error.summary = std::move(summary);
    return error;
  }

 private:
  std::deque<std::string> lines_;
};

}  // namespace

Option SplitOption(std::string_view text) {
  text.remove_prefix(text.starts_with("--") ? 2 : text.starts_with('-') ? 1 : text.size());
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) return {std::string(text), ""};
  return {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

Result<ToolCommand> ParseToolCommand(const RunOptions& options) {
  if (options.command.empty()) return base::Invalid("name the tool after --, as in: -- terraform");
  ToolCommand command;
  command.program = options.command.front();
  command.directory = options.directory;
  command.destroy = options.destroy;
  size_t next = 1;
  if (options.command.size() > 1 && options.command[1] == "plan") ++next;
  for (; next < options.command.size(); ++next) RB_TRY(TakeOption(options.command[next], command));
  if (!proc::FindProgram(command.program)) {
    return base::Error(base::Code::kNotFound, "there is no program " + command.program + " on PATH");
  }
  return command;
}

Tool::Tool(ToolCommand command, std::string plan_file, base::Clock& clock, Control& control, Printer& printer)
    : command_(std::move(command)),
      plan_file_(std::move(plan_file)),
      clock_(clock),
      control_(control),
      printer_(printer) {}

proc::Command Tool::MakeCommand(std::vector<std::string> arguments) const {
  proc::Command command;
  command.argv = {command_.program};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.directory = command_.directory;
  command.withheld_prefix = "RUNBELL_";  // a token there is for this program, not for providers and provisioners
  command.extra_environment = {"TF_IN_AUTOMATION=1", "TF_INPUT=0", "CHECKPOINT_DISABLE=1"};
  return command;
}

Result<ToolEnd> Tool::Init() { return RunStep("init", {"init", "-input=false", "-no-color"}); }

Result<ToolEnd> Tool::Plan() {
  std::vector<std::string> arguments = {"plan"};
  arguments.insert(arguments.end(), command_.plan_options.begin(), command_.plan_options.end());
  if (command_.destroy) arguments.emplace_back("-destroy");
  for (const char* ours : {"-json", "-input=false", "-detailed-exitcode"}) arguments.emplace_back(ours);
  arguments.push_back("-out=" + plan_file_);
  return RunStep("plan", std::move(arguments));
}

Result<ToolEnd> Tool::Apply() {
  std::vector<std::string> arguments = {"apply"};
  arguments.insert(arguments.end(), command_.apply_options.begin(), command_.apply_options.end());
  for (const char* ours : {"-json", "-input=false"}) arguments.emplace_back(ours);
  arguments.push_back(plan_file_);
  return RunStep("apply", std::move(arguments));
}

Result<run::PlanSummary> Tool::Show() {
  RB_ASSIGN(auto shown, proc::Run(clock_, MakeCommand({"show", "-json", plan_file_}), kMaxPlanBytes));
  if (shown.exit.code != 0) return base::Error(base::Code::kUnavailable, "show ended with " + shown.exit.Text());
  if (shown.cut) return base::Error(base::Code::kTooLarge, "the plan has more than 256 MiB of JSON");
  RB_ASSIGN(auto plan, base::ParseJson(shown.out, kMaxPlanDepth));
  return run::SummarizePlan(plan);
}

Result<ToolEnd> Tool::RunStep(std::string_view name, std::vector<std::string> arguments) {
  printer_.Step(name);
  RB_ASSIGN(auto child, proc::Child::Start(clock_, MakeCommand(std::move(arguments))));
  ToolEnd end;
  TextTail tail;
  run::StreamParser out, err;
  auto take_out = [&](const std::vector<StreamLine>& lines) {
    for (const auto& line : lines) {
      end.tracker.Take(line);
      end.unsupported = end.unsupported || line.type == StreamLine::Type::kUnsupported;
      if (line.type == StreamLine::Type::kRaw) tail.Take(line.text);
      printer_.Line(line, end.tracker);
    }
  };
  auto take_err = [&](const std::vector<StreamLine>& lines) {
    for (const auto& line : lines) {
      tail.Take(line.text);
      printer_.Text(line.text);
    }
  };
  {
    Control::Working working(control_, *child);
    end.exit = child->Wait([&](std::string_view bytes) { take_out(out.Feed(bytes)); },
                           [&](std::string_view bytes) { take_err(err.Feed(bytes)); });
  }
  take_out(out.Finish());
  take_err(err.Finish());
  end.errors = end.tracker.errors();
  if (end.errors.empty()) end.errors = tail.Errors();
  if (end.errors.empty() || end.exit.signal != 0) {
    end.errors.push_back(TextTail::MakeError(std::string(name) + " ended with " + end.exit.Text()));
  }
  return end;
}

}  // namespace runner
