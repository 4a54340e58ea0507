// Replay: stands in for terraform in the demo on a machine that has none. It plays what terraform said when it ran
// examples/demo/main.tf, step by step, and touches nothing.
#pragma once

#include <string>
#include <vector>

#include "app/command.h"

namespace app {

// `arguments` are those of terraform: init, plan, show or apply and their options.
base::Result<int> ReplayTool(Context& context, const std::vector<std::string>& arguments);

// Makes an executable `path` that runs `program` as the replay.
base::Status WriteReplayTool(const std::string& path, const std::string& program);

}  // namespace app
