// Bytes to text and back: hexadecimal and base64 (RFC 4648, with padding).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace base {

std::string FormatHex(std::string_view bytes);               // lower case
std::optional<std::string> ParseHex(std::string_view text);  // either case
std::string FormatBase64(std::string_view bytes);
std::string FormatBase64Url(std::string_view bytes);            // no padding
std::optional<std::string> ParseBase64(std::string_view text);  // padding required

}  // namespace base
