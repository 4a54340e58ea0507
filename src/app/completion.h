// Completion scripts for shells, made from the tree of commands.
#pragma once

#include <string>

#include "app/command.h"

namespace app {

std::string FormatBashCompletion(const Command& root);
std::string FormatZshCompletion(const Command& root);
std::string FormatFishCompletion(const Command& root);

}  // namespace app
