#include "app/settings_file.h"

#include <toml++/toml.h>

#include <algorithm>

namespace app {
namespace {

FileEntry MakeEntry(std::string key, const toml::node& node) {
  FileEntry entry{std::move(key), static_cast<int>(node.source().begin.line), FileEntry::Kind::kOther, {}};
  if (auto text = node.value_exact<std::string>()) {
    entry.kind = FileEntry::Kind::kText;
    entry.values.push_back(*text);
  } else if (auto number = node.value_exact<int64_t>()) {
    entry.kind = FileEntry::Kind::kNumber;
    entry.values.push_back(std::to_string(*number));
  } else if (const toml::array* array = node.as_array()) {
    entry.kind = FileEntry::Kind::kList;
    for (const toml::node& item : *array) {
      auto text = item.value_exact<std::string>();
      if (!text) {
        entry.kind = FileEntry::Kind::kOther;
        break;
      }
      entry.values.push_back(*text);
    }
  }
  return entry;
}

void Flatten(const toml::table& table, const std::string& prefix, std::vector<FileEntry>& entries) {
  for (const auto& [name, node] : table) {
    std::string key = prefix + std::string(name.str());
    const toml::table* inner = node.as_table();
    if (inner == nullptr) {
      entries.push_back(MakeEntry(key, node));
    } else if (inner->empty()) {
      entries.push_back({key, static_cast<int>(inner->source().begin.line), FileEntry::Kind::kTable, {}});
    } else {
      Flatten(*inner, key + ".", entries);
    }
  }
}

}  // namespace

base::Result<std::vector<FileEntry>> ParseSettingsFile(std::string_view text, const std::string& path) {
  try {
    toml::table table = toml::parse(text);
    std::vector<FileEntry> entries;
    Flatten(table, "", entries);
    std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.line < b.line; });
    return entries;
  } catch (const toml::parse_error& error) {
    return base::Invalid(std::string(error.description()), path + ":" + std::to_string(error.source().begin.line));
  }
}

}  // namespace app
