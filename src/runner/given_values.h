// Private to runner/: what an error text must not carry away although no plan marks it as sensitive.
//
// Not found here: defaults in the configuration, values in TF_CLI_ARGS, in pipes given as -var-file, and what a
// provider or a module reads for itself.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runner/tool.h"

namespace runner {

// The values of variables that sound secret by their name: TOKEN, SECRET, PASSW, KEY or CREDENTIAL in it.
std::vector<std::string> SecretsIn(const std::map<std::string, std::string>& environment);

// Every text that is given as, or inside, a variable's value: TF_VAR_..., -var, -var-file and the files that the tool
// reads unasked (terraform.tfvars, *.auto.tfvars, both also with .json). A file that cannot be read is left to the
// tool.
std::vector<std::string> GivenValues(const ToolCommand& command, const std::map<std::string, std::string>& environment);

}  // namespace runner
