#include "app/replay.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "app/embedded.h"

namespace app {
namespace {

constexpr int kPlanHasChanges = 2;  // of plan -detailed-exitcode

bool Has(const std::vector<std::string>& arguments, std::string_view wanted) {
  return std::find(arguments.begin(), arguments.end(), wanted) != arguments.end();
}

// Which recording fits what is asked for.
std::string ScenarioOf(const std::vector<std::string>& arguments) {
  if (Has(arguments, "-var=fail=true")) return "errors";
  if (Has(arguments, "-var=servers=3")) return "approved";
  return "applies";
}

base::Result<std::string_view> Recording(const std::string& scenario, std::string_view name) {
  std::string path = fmt::format("recorded/{}/{}", scenario, name);
  for (const EmbeddedFile& file : DemoFiles()) {
    if (file.path == path) return file.text;
  }
  return base::Error(base::Code::kNotFound, "there is no recording of this", path);
}

// The plan file of a replay holds the name of its scenario.
base::Result<std::string> ReadScenario(const std::vector<std::string>& arguments) {
  std::ifstream file(arguments.back());
  std::string scenario((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (scenario.empty()) return base::Error(base::Code::kNotFound, "not a plan of this replay", arguments.back());
  return scenario;
}

base::Result<int> Play(Context& context, const std::string& scenario, std::string_view name, int code) {
  RB_ASSIGN(std::string_view text, Recording(scenario, name));
  context.out(text);
  return code;
}

base::Result<int> Plan(Context& context, const std::vector<std::string>& arguments) {
  constexpr std::string_view kOut = "-out=";
  auto out = std::find_if(arguments.begin(), arguments.end(), [&](const auto& text) { return text.starts_with(kOut); });
  if (out == arguments.end()) return base::Invalid("a replayed plan needs -out=FILE");
  std::string scenario = ScenarioOf(arguments);
  std::ofstream file(out->substr(kOut.size()));
  file << scenario;
  file.close();
  if (!file) return base::Error(base::Code::kUnavailable, "cannot be written", out->substr(kOut.size()));
  return Play(context, scenario, "plan.jsonl", kPlanHasChanges);
}

}  // namespace

base::Result<int> ReplayTool(Context& context, const std::vector<std::string>& arguments) {
  std::string step = arguments.empty() ? "" : arguments[0];
  if (step == "init") return kExitOk;
  if (step == "plan") return Plan(context, arguments);
  if (step != "show" && step != "apply") return base::Invalid("only init, plan, show and apply can be replayed");
  RB_ASSIGN(std::string scenario, ReadScenario(arguments));
  if (step == "show") return Play(context, scenario, "show.json", kExitOk);
  return Play(context, scenario, "apply.jsonl", scenario == "errors" ? kExitFailed : kExitOk);
}

base::Status WriteReplayTool(const std::string& path, const std::string& program) {
  std::string quoted;
  for (char c : program) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  std::ofstream file(path);
  file << "#!/bin/sh\nexec '" << quoted << "' replay-tool -- \"$@\"\n";
  file.close();
  if (!file || chmod(path.c_str(), 0700) != 0) return base::Error(base::Code::kUnavailable, "cannot be written", path);
  return {};
}

}  // namespace app
