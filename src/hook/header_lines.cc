#include "hook/header_lines.h"

#include <algorithm>

namespace hook {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

}  // namespace

HeaderLine TakeHeaderLine(std::string_view& rest) {
  size_t end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  size_t colon = line.find(':');
  if (colon == std::string_view::npos) return {};
  return {line.substr(0, colon), Trim(line.substr(colon + 1))};
}

bool SameHeaderName(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return Lower(x) == Lower(y); });
}

bool HeaderNameStartsWith(std::string_view name, std::string_view lower_case_prefix) {
  return SameHeaderName(name.substr(0, lower_case_prefix.size()), lower_case_prefix);
}

}  // namespace hook
