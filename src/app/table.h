// Tables for people: aligned columns of text that may come from strangers.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"

namespace app {

using base::Harmless;
using base::HarmlessLines;

// Columns `text` takes on a terminal; wide characters take two, combining ones none.
size_t DisplayWidth(std::string_view text);
// At most `columns` wide, the last one "…" when something was cut off.
std::string Truncated(std::string_view text, size_t columns);

class Table {
 public:
  // Cells wider than `widest` are truncated in Text().
  explicit Table(std::vector<std::string> titles, size_t widest = 48);
  void Add(std::vector<std::string> cells);
  bool empty() const { return rows_.empty(); }

  std::string Text() const;  // a line of titles, then a line for each row; two blanks between columns
  // A JSON array of objects; keys are the titles in small letters with '-' for blanks.
  std::string Json() const;

 private:
  std::vector<std::string> titles_;
  std::vector<std::vector<std::string>> rows_;
  size_t widest_;
};

}  // namespace app
