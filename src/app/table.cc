#include "app/table.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/json.h"
#include "base/log.h"
#include "base/utf8.h"

namespace app {
namespace {

bool IsCombining(char32_t c) {
  return (c >= 0x300 && c <= 0x36f) || (c >= 0x1ab0 && c <= 0x1aff) || (c >= 0x20d0 && c <= 0x20ff) ||
         (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0xfe20 && c <= 0xfe2f);
}

// The blocks of Unicode's EastAsianWidth W and F that occur in names and messages: CJK, Hangul, emoji.
bool IsWide(char32_t c) {
  return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3) ||
         (c >= 0xf900 && c <= 0xfaff) || (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) ||
         (c >= 0xffe0 && c <= 0xffe6) || (c >= 0x1f300 && c <= 0x1f64f) || (c >= 0x1f680 && c <= 0x1faff) ||
         (c >= 0x20000 && c <= 0x3fffd);
}

size_t WidthOf(char32_t c) { return IsCombining(c) ? 0 : IsWide(c) ? 2 : 1; }

}  // namespace

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    base::Rune rune = base::FirstRune(text);
    width += rune.bytes == 0 ? 1 : WidthOf(rune.code);
    text.remove_prefix(std::max<size_t>(rune.bytes, 1));
  }
  return width;
}

std::string Truncated(std::string_view text, size_t columns) {
  if (DisplayWidth(text) <= columns) return std::string(text);
  std::string out;
  size_t width = 0;
  while (!text.empty()) {
    base::Rune rune = base::FirstRune(text);
    size_t bytes = std::max<size_t>(rune.bytes, 1);
    size_t wide = rune.bytes == 0 ? 1 : WidthOf(rune.code);
    if (width + wide + 1 > columns) break;
    out += text.substr(0, bytes);
    width += wide;
    text.remove_prefix(bytes);
  }
  return out + "…";
}

Table::Table(std::vector<std::string> titles, size_t widest) : titles_(std::move(titles)), widest_(widest) {}

void Table::Add(std::vector<std::string> cells) {
  RB_CHECK(cells.size() == titles_.size());
  rows_.push_back(std::move(cells));
}

std::string Table::Text() const {
  std::vector<std::vector<std::string>> lines{titles_};
  for (const auto& row : rows_) {
    lines.emplace_back();
    for (const std::string& cell : row) lines.back().push_back(Truncated(Harmless(cell), widest_));
  }
  std::vector<size_t> widths(titles_.size(), 0);
  for (const auto& line : lines) {
    for (size_t i = 0; i < line.size(); i++) widths[i] = std::max(widths[i], DisplayWidth(line[i]));
  }
  std::string out;
  for (const auto& line : lines) {
    std::string text;
    for (size_t i = 0; i < line.size(); i++) {
      text += line[i];
      if (i + 1 < line.size()) text += std::string(widths[i] - DisplayWidth(line[i]) + 2, ' ');
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  }
  return out;
}

std::string Table::Json() const {
  base::json::array all;
  for (const auto& row : rows_) {
    base::json::object object;
    for (size_t i = 0; i < row.size(); i++) {
      std::string key = titles_[i];
      for (char& c : key) c = c == ' ' ? '-' : static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
      object[key] = row[i];
    }
    all.push_back(std::move(object));
  }
  return base::FormatJsonPretty(all) + "\n";
}

}  // namespace app
