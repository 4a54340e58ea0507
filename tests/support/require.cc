#include "support/require.h"

#include <unistd.h>

#include <cstdlib>
#include <sstream>
#include <string>

namespace testing_support {

bool AllRequired() {
  const char* value = std::getenv("RB_REQUIRE_ALL");
  return value != nullptr && std::string(value) == "1";
}

std::string FindTool(const std::string& tool) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    std::string candidate = folder + "/" + tool;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

}  // namespace testing_support
