// JSON:API documents: reading what a client sends, and the frame of what it gets.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "net/net.h"
#include "serve/query.h"

namespace serve {

inline constexpr std::string_view kApiRoot = "/api/iacp/v3";

// With a Location when something was created that has a link of its own.
net::Response DocumentResponse(int status, const base::json::object& document);

// The resource object of a request body.
struct Input {
  base::json::object attributes, relationships;
  bool Has(std::string_view attribute) const { return attributes.contains(attribute); }
};
// `id` empty: of a creation, which must not bring one (kDenied). kInvalid for anything that is not {"data": {"type":
// type, ...}}.
base::Result<Input> ParseInput(std::string_view body, std::string_view type, std::string_view id);
// The attributes of an action's optional body, which may be a document or a plain object; an empty body has none.
base::Result<base::json::object> ParseActionInput(std::string_view body);

// What a value of an attribute may look like.
struct Rule {
  enum class Type : uint8_t { kText, kName, kInteger, kFlag, kTime, kTexts, kList, kObject };
  Type type = Type::kText;
  bool nullable = false;
  int64_t min = 0;
  int64_t max = 0;  // characters of a text, entries of a list, value of an integer
  std::vector<std::string_view> choices;

  Rule() noexcept {}  // defaulted, GCC 12 fails over it as the default of a member
  Rule(Type t, int64_t least, int64_t most) : type(t), min(least), max(most) {}
  Rule OrNull() const;
};
Rule Text(int64_t max_characters);
Rule NameText();  // 1 to 255 characters, no control characters, not only blanks
Rule OneOf(std::vector<std::string_view> choices);
Rule Integer(int64_t min, int64_t max);
Rule Flag();
Rule Time();
Rule Texts();  // a list of strings
Rule List();   // a list of whatever the attribute's own check says
Rule Object();

// kInvalid with the attribute's pointer.
base::Status Check(const Rule& rule, std::string_view attribute, const base::json::value& value);

struct ActionAttribute {
  std::string_view name;
  Rule rule;
};
// As ParseActionInput, and every attribute is one of these and fits its rule.
base::Result<base::json::object> ParseActionInput(std::string_view body,
                                                  std::initializer_list<ActionAttribute> attributes);

// The document of one page of a list, with pagination; links begin with `path`, that of the request.
base::json::object ListDocument(base::json::array data, std::string_view path, const Params& params, int64_t total);

// {"type": type, "id": id}
base::json::object Identifier(std::string_view type, std::string_view id);
// {"data": identifier or null}
base::json::object ToOne(std::string_view type, std::string_view id);

}  // namespace serve
