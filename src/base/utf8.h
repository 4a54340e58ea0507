// UTF-8, strictly: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace base {

struct Rune {
  char32_t code = 0;
  size_t bytes = 0;  // 0: `text` is empty or does not begin with a well-formed character
};
Rune FirstRune(std::string_view text);

}  // namespace base
