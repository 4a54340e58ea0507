// Reading "Name: value\r\n" lines.
#pragma once

#include <string_view>

namespace hook {

struct HeaderLine {
  std::string_view name;   // empty when the line has no colon
  std::string_view value;  // without blanks and tabs around it
};

// Takes the first line off `rest`, which must not be empty. A bare newline ends a line too, so that headers saved to a
// file by hand can be read.
HeaderLine TakeHeaderLine(std::string_view& rest);

// ASCII letters compare without case.
bool SameHeaderName(std::string_view a, std::string_view b);
bool HeaderNameStartsWith(std::string_view name, std::string_view lower_case_prefix);

}  // namespace hook
