// Files of the source tree that are part of the program; the build makes the tables.
#pragma once

#include <string_view>
#include <vector>

namespace app {

struct EmbeddedFile {
  std::string_view path, text;
};

// examples/demo: "main.tf", "recorded/applies/plan.jsonl", ...
const std::vector<EmbeddedFile>& DemoFiles();

}  // namespace app
