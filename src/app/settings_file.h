// The settings file: TOML, flattened to keys with dots; the fence around toml++.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace app {

struct FileEntry {
  std::string key;  // "server.listen"
  int line = 0;
  enum class Kind { kText, kNumber, kList, kTable, kOther } kind = Kind::kOther;
  std::vector<std::string> values;  // one text or number; the texts of a list
};
// In the order of their lines. kInvalid names the line at which the text stops being TOML, as "path:line".
base::Result<std::vector<FileEntry>> ParseSettingsFile(std::string_view text, const std::string& path);

}  // namespace app
