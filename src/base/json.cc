#include "base/json.h"

#include <algorithm>
#include <cmath>

#include "base/utf8.h"

namespace base {
namespace {

void AppendPretty(std::string& out, const json::value& value, size_t indent) {
  auto line = [&](size_t depth) { out.append("\n").append(depth * 2, ' '); };
  if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
    char separator = '{';
    for (const auto& [key, member] : *object) {
      out += separator;
      separator = ',';
      line(indent + 1);
      out += json::serialize(json::string_view(key));
      out += ": ";
      AppendPretty(out, member, indent + 1);
    }
    line(indent);
    out += '}';
  } else if (const auto* array = value.if_array(); array != nullptr && !array->empty()) {
    char separator = '[';
    for (const auto& item : *array) {
      out += separator;
      separator = ',';
      line(indent + 1);
      AppendPretty(out, item, indent + 1);
    }
    line(indent);
    out += ']';
  } else {
    out += json::serialize(value);
  }
}

void AppendEscaped(std::string& out, unsigned char c) {
  static constexpr std::string_view kHex = "0123456789abcdef";
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: out.append("\\u00") += kHex[c >> 4]; out += kHex[c & 15];
  }
}

bool IsPlain(unsigned char c) { return c >= 0x20 && c < 0x80 && c != '"' && c != '\\'; }

// Boost.JSON reads 1e400 as infinity and 0e400 as NaN, and would write them back as words that are not JSON.
bool HasUnwritable(const json::value& value) {
  if (const auto* number = value.if_double()) return !std::isfinite(*number);
  if (const auto* array = value.if_array()) return std::any_of(array->begin(), array->end(), HasUnwritable);
  const auto* object = value.if_object();
  return object != nullptr &&
         std::any_of(object->begin(), object->end(), [](const auto& member) { return HasUnwritable(member.value()); });
}

}  // namespace

Result<json::value> ParseJson(std::string_view text, size_t max_depth) {
  json::parse_options options;
  options.max_depth = max_depth;
  json::parser parser({}, options);
  json::error_code error;
  size_t used = parser.write_some(text.data(), text.size(), error);
  if (!error && used < text.size()) error = json::error::extra_data;
  if (!error) {
    json::value value = parser.release();
    if (HasUnwritable(value)) return Invalid("not valid JSON: a number is too large");
    return value;
  }
  std::string what =
      error == json::error::too_deep ? "more than " + std::to_string(max_depth) + " levels deep" : error.message();
  return Invalid("not valid JSON: " + what + " at byte " + std::to_string(used));
}

std::string FormatJson(const json::value& value) { return json::serialize(value); }

std::string FormatJsonPretty(const json::value& value) {
  std::string out;
  AppendPretty(out, value, 0);
  return out;
}

void AppendJsonString(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    size_t plain = 0;
    while (plain < text.size() && IsPlain(static_cast<unsigned char>(text[plain]))) ++plain;
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    Rune rune = FirstRune(text);
    size_t bytes = rune.bytes;
    if (bytes == 0) {
      out += "\xEF\xBF\xBD";
      bytes = 1;
    } else if (bytes == 1) {
      AppendEscaped(out, static_cast<unsigned char>(text[0]));
    } else {
      out.append(text.substr(0, bytes));
    }
    text.remove_prefix(bytes);
  }
  out += '"';
}

bool IsUtf8(std::string_view text) {
  while (!text.empty()) {
    Rune rune = FirstRune(text);
    if (rune.bytes == 0) return false;
    text.remove_prefix(rune.bytes);
  }
  return true;
}

const json::value* At(const json::value& value, std::initializer_list<std::string_view> path) {
  const json::value* at = &value;
  for (std::string_view key : path) {
    const json::object* object = at->if_object();
    if (object == nullptr) return nullptr;
    at = object->if_contains(json::string_view(key.data(), key.size()));
    if (at == nullptr) return nullptr;
  }
  return at;
}

std::optional<std::string> StringAt(const json::value& value, std::initializer_list<std::string_view> path) {
  const json::value* at = At(value, path);
  if (at == nullptr || !at->is_string()) return std::nullopt;
  return std::string(at->get_string());
}

std::optional<int64_t> IntAt(const json::value& value, std::initializer_list<std::string_view> path) {
  const json::value* at = At(value, path);
  if (at == nullptr) return std::nullopt;
  if (at->is_int64()) return at->get_int64();
  if (at->is_uint64() && at->get_uint64() <= INT64_MAX) return static_cast<int64_t>(at->get_uint64());
  return std::nullopt;
}

std::optional<bool> BoolAt(const json::value& value, std::initializer_list<std::string_view> path) {
  const json::value* at = At(value, path);
  if (at == nullptr || !at->is_bool()) return std::nullopt;
  return at->get_bool();
}

}  // namespace base
