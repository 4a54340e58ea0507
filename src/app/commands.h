// Every command of `runbell`, one maker each; the list is in commands.cc.
#pragma once

#include "app/command.h"

namespace app {

Command MakeRootCommand(Context& context);

Command MakeServeCommand(Context& context);
Command MakeCheckConfigCommand(Context& context);
Command MakeConfigCommand(Context& context);
Command MakeTokenCommand(Context& context);
Command MakeRunCommand(Context& context);
std::vector<Command> MakeDecideCommands(Context& context);  // approve, discard, cancel, override
Command MakeRunsCommand(Context& context);
Command MakeDeliveryCommand(Context& context);
std::vector<Command> MakeResourceCommands(Context& context);  // environment, workspace, endpoint, webhook
Command MakeDemoCommand(Context& context);
Command MakeReplayCommand(Context& context);  // hidden: the demo's stand-in for terraform
Command MakeCompletionCommand(Context& context);

// The options by which a command takes settings, and what was given in them.
struct SettingsArguments {
  std::string file;
  std::map<std::string, std::vector<std::string>> flags;
};
// `--config` and the flags of `keys`; of all settings when there are none. `arguments` must outlive the options.
std::vector<Option> MakeSettingsOptions(SettingsArguments& arguments, const std::vector<std::string_view>& keys = {});
base::Result<LoadedSettings> LoadSettings(const Context& context, const SettingsArguments& arguments);

}  // namespace app
