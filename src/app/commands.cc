#include "app/commands.h"

#include <algorithm>

#include "app/completion.h"

namespace app {
namespace {

Command MakeVersionCommand(Context& context) {
  auto run = [&context]() -> base::Result<int> {
    context.out("runbell " RB_VERSION "\n");
    return kExitOk;
  };
  return {.name = "version", .summary = "Print the version", .run = run};
}

constexpr std::string_view kDetails = R"(First steps:
  runbell demo                                    see it work, with nothing to set up
  runbell token create --name me --scope admin    a token, before the server is started
  runbell serve                                   the server

Exit codes: 0 done; 1 it failed, or the answer is no; 2 what was asked is wrong (arguments, settings, or input that the
server refused). `runbell run` has more: see its --help.)";

}  // namespace

Command MakeCompletionCommand(Context& context) {
  struct Shell {
    std::string name;
    std::string (*format)(const Command& root);
  };
  Command command{.name = "completion", .summary = "Print a completion script for a shell"};
  for (const Shell& shell :
       {Shell{"bash", FormatBashCompletion}, Shell{"zsh", FormatZshCompletion}, Shell{"fish", FormatFishCompletion}}) {
    auto run = [&context, format = shell.format]() -> base::Result<int> {
      context.out(format(MakeRootCommand(context)));
      return kExitOk;
    };
    command.commands.push_back({.name = shell.name, .summary = "For " + shell.name, .run = run});
  }
  return command;
}

Command MakeRootCommand(Context& context) {
  Command root{.name = "runbell",
               .summary = "Tells people and systems what their Terraform and OpenTofu runs did.",
               .details = std::string(kDetails)};
  auto add = [&](std::vector<Command> commands) {
    for (Command& command : commands) root.commands.push_back(std::move(command));
  };
  add({MakeServeCommand(context), MakeRunCommand(context)});
  add(MakeDecideCommands(context));
  add({MakeRunsCommand(context), MakeDeliveryCommand(context)});
  add(MakeResourceCommands(context));
  add({MakeTokenCommand(context), MakeConfigCommand(context), MakeCheckConfigCommand(context), MakeDemoCommand(context),
       MakeReplayCommand(context), MakeCompletionCommand(context), MakeVersionCommand(context)});
  return root;
}

std::vector<Option> MakeSettingsOptions(SettingsArguments& arguments, const std::vector<std::string_view>& keys) {
  std::vector<Option> options = {{"--config", "FILE", &arguments.file, "Settings file (TOML)."}};
  for (const Setting& row : AllSettings()) {
    bool wanted = keys.empty() || std::find(keys.begin(), keys.end(), row.key) != keys.end();
    if (!wanted || row.is_secret()) continue;
    std::string help(row.help);
    if (!row.fallback.empty()) help.append(" Default: ").append(row.fallback).append(".");
    options.push_back({row.Flag(), std::string(row.value), &arguments.flags[std::string(row.key)], std::move(help),
                       false, !row.is_list()});
  }
  return options;
}

base::Result<LoadedSettings> LoadSettings(const Context& context, const SettingsArguments& arguments) {
  return LoadSettings({arguments.file, context.environment, arguments.flags});
}

}  // namespace app
