// UTF-8, strictly: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace base {

struct Rune {
  char32_t code = 0;
  size_t bytes = 0;  // 0: `text` is empty or does not begin with a well-formed character
};
Rune FirstRune(std::string_view text);

// Characters that draw nothing or reorder what stands around them, so that a line of text could look like another.
bool IsTreacherous(char32_t c);

// Text that is safe on a terminal: control characters, and characters that draw nothing or reorder what stands around
// them, become visible escapes (\n, \u{202e}); malformed UTF-8 becomes \xNN.
std::string Harmless(std::string_view text);
// The same for text of several lines: newlines and tabs are kept.
std::string HarmlessLines(std::string_view text);

}  // namespace base
