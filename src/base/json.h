// JSON access: Boost.JSON with the limits and the error texts that input from outside needs.
#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace base {

namespace json = boost::json;

// Strict UTF-8 JSON of at most `max_depth` levels, with numbers that a double can hold. Errors are kInvalid; those of
// the form name the byte offset.
Result<json::value> ParseJson(std::string_view text, size_t max_depth = 32);
// Compact text, keys in their order.
std::string FormatJson(const json::value& value);
// Two spaces of indentation, for people.
std::string FormatJsonPretty(const json::value& value);
// Appends `text` quoted and escaped. Invalid UTF-8 becomes U+FFFD.
void AppendJsonString(std::string& out, std::string_view text);
// Whether `text` is well-formed UTF-8.
bool IsUtf8(std::string_view text);

// Null when a step of the path is missing or of another type: At(doc, {"data", "attributes", "name"}).
const json::value* At(const json::value& value, std::initializer_list<std::string_view> path);
std::optional<std::string> StringAt(const json::value& value, std::initializer_list<std::string_view> path);
std::optional<int64_t> IntAt(const json::value& value, std::initializer_list<std::string_view> path);
std::optional<bool> BoolAt(const json::value& value, std::initializer_list<std::string_view> path);

}  // namespace base
