#include "runner/given_values.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

#include "base/json.h"

namespace runner {
namespace {

namespace fs = std::filesystem;
using Environment = std::map<std::string, std::string>;

constexpr std::array<std::string_view, 5> kSecretWords = {"TOKEN", "SECRET", "PASSW", "KEY", "CREDENTIAL"};

std::string Upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  return text;
}

void Add(std::string text, std::vector<std::string>& values) {
  if (text.empty() || text == "true" || text == "false" || text == "null") return;
  values.push_back(std::move(text));
}

// The quoted texts of a line of HCL, which never go beyond its end.
void TakeQuoted(std::string_view line, std::vector<std::string>& values) {
  std::optional<std::string> text;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') {
      const bool ends = text.has_value();
      if (ends) Add(*text, values);
      text = ends ? std::nullopt : std::optional<std::string>("");
    } else if (text && line[i] == '\\' && i + 1 < line.size()) {
      const char escaped = line[++i];
      *text += escaped == 'n' ? '\n' : escaped == 't' ? '\t' : escaped == 'r' ? '\r' : escaped;
    } else if (text) {
      *text += line[i];
    }
  }
}

// "<<EOT" or "<<-EOT" at the end of a line begins a text of many lines; returns EOT.
std::string HeredocEnd(std::string_view line) {
  const size_t at = line.rfind("<<");
  if (at == std::string_view::npos) return {};
  std::string_view word = line.substr(at + 2);
  if (word.starts_with('-')) word.remove_prefix(1);
  while (word.ends_with('\r') || word.ends_with(' ')) word.remove_suffix(1);
  return word.find_first_of("\" ") == std::string_view::npos ? std::string(word) : std::string();
}

void TakeHcl(const std::string& file, std::vector<std::string>& values) {
  std::istringstream lines(file);
  std::string end, text;
  for (std::string line; std::getline(lines, line);) {
    if (end.empty()) {
      TakeQuoted(line, values);
      end = HeredocEnd(line);
    } else if (const size_t first = line.find_first_not_of(" \t");
               first != std::string::npos && line.compare(first, end.size(), end) == 0) {
      Add(std::exchange(text, ""), values);
      end.clear();
    } else {
      text += line + "\n";
    }
  }
}

void TakeJson(const base::json::value& from, std::vector<std::string>& values) {
  if (const auto* text = from.if_string()) Add(std::string(*text), values);
  if (const auto* list = from.if_array()) {
    for (const auto& item : *list) TakeJson(item, values);
  }
  if (const auto* fields = from.if_object()) {
    for (const auto& field : *fields) TakeJson(field.value(), values);
  }
}

void TakeFile(const fs::path& path, std::vector<std::string>& values) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return;  // reading a pipe would take it away from the tool
  std::ifstream file(path, std::ios::binary);
  std::stringstream all;
  all << file.rdbuf();
  if (path.extension() != ".json") return TakeHcl(all.str(), values);
  if (auto parsed = base::ParseJson(all.str())) TakeJson(*parsed, values);
}

// What stands for a variable outside of files: a text as it is, or an expression with texts in it.
void TakeValue(const std::string& value, std::vector<std::string>& values) {
  Add(value, values);
  TakeQuoted(value, values);
}

// "a=b" of -var.
void TakeAssignment(const std::string& text, std::vector<std::string>& values) {
  if (const size_t equals = text.find('='); equals != std::string::npos) TakeValue(text.substr(equals + 1), values);
}

void TakeOptions(const ToolCommand& command, const fs::path& directory, std::vector<std::string>& values) {
  const auto& options = command.plan_options;
  for (size_t i = 0; i < options.size(); ++i) {
    const Option option = SplitOption(options[i]);
    if (option.name != "var" && option.name != "var-file") continue;
    const bool apart = options[i].find('=') == std::string::npos;
    if (apart && i + 1 == options.size()) return;
    const std::string value = apart ? options[++i] : option.value;
    if (option.name == "var") {
      TakeAssignment(value, values);
    } else {
      TakeFile(directory / value, values);
    }
  }
}

bool IsReadUnasked(const std::string& name) {
  return name == "terraform.tfvars" || name == "terraform.tfvars.json" || name.ends_with(".auto.tfvars") ||
         name.ends_with(".auto.tfvars.json");
}

}  // namespace

std::vector<std::string> SecretsIn(const Environment& environment) {
  std::vector<std::string> values;
  for (const auto& [name, value] : environment) {
    const std::string upper = Upper(name);
    if (std::any_of(kSecretWords.begin(), kSecretWords.end(),
                    [&](std::string_view word) { return upper.find(word) != std::string::npos; })) {
      Add(value, values);
    }
  }
  return values;
}

std::vector<std::string> GivenValues(const ToolCommand& command, const Environment& environment) {
  std::vector<std::string> values;
  for (const auto& [name, value] : environment) {
    if (name.starts_with("TF_VAR_")) TakeValue(value, values);
  }
  const fs::path directory = command.directory.empty() ? "." : command.directory;
  TakeOptions(command, directory, values);
  std::error_code error;
  for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    if (IsReadUnasked(entry->path().filename().string())) TakeFile(entry->path(), values);
  }
  return values;
}

}  // namespace runner
