// A custom header, name and value on a line each: what is accepted is one line, and redacting hides it. The whole input
// is also a Retry-After.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "hook/hook.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (auto wait = hook::ParseRetryAfter(input, {})) RB_CHECK(wait->count() >= 0);
  size_t end = std::min(input.find('\n'), input.size());
  const std::vector<hook::CustomHeader> custom = {
      {std::string(input.substr(0, end)), std::string(input.substr(std::min(end + 1, input.size()))), true}};
  const hook::Signatures signatures = {"d", "x", "t", "s"};
  auto lines = hook::FormatHeaderLines({"example.com", 1, "wd-1", &signatures, &custom});
  RB_CHECK(lines.has_value() == hook::CheckHeader(custom[0]).has_value());
  if (!lines) return 0;
  RB_CHECK(std::count(lines->begin(), lines->end(), '\n') == 12 &&
           std::count(lines->begin(), lines->end(), '\r') == 12);
  RB_CHECK(lines->ends_with(custom[0].name + ": " + custom[0].value + "\r\n"));
  RB_CHECK(hook::RedactHeaderLines(*lines, custom).ends_with("\r\n" + custom[0].name + ": (sensitive)\r\n"));
  return 0;
}
