#include "serve/document.h"

#include <algorithm>

#include "base/time_text.h"
#include "base/utf8.h"
#include "serve/errors.h"

namespace serve {
namespace {

namespace json = base::json;
using base::Result;
using base::Status;

constexpr size_t kMaxEntries = 1000;

std::string Quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

Result<json::object> Member(const json::object& data, std::string_view name) {
  const auto* member = data.if_contains(name);
  if (member == nullptr || member->is_null()) return json::object();
  if (!member->is_object()) return base::Invalid("the member " + Quoted(name) + " must be an object");
  return member->get_object();
}

Status CheckIdentity(const json::object& data, std::string_view type, std::string_view id) {
  const auto* given = data.if_contains("type");
  if (given == nullptr || !given->is_string() || given->get_string() != type) {
    return base::Invalid("the member 'type' must be " + Quoted(type), "/data/type");
  }
  const auto* given_id = data.if_contains("id");
  if (given_id == nullptr || given_id->is_null()) return {};
  if (id.empty()) return base::Error(base::Code::kDenied, "ids are made by this server: leave out the member 'id'");
  if (!given_id->is_string() || given_id->get_string() != id) {
    return base::Invalid("the member 'id' must be " + Quoted(id) + ", as in the address", "/data/id");
  }
  return {};
}

struct Characters {
  int64_t count = 0;
  bool has_nul = false, has_control = false, has_ink = false;
};

Characters CountCharacters(std::string_view text) {
  Characters characters;
  while (!text.empty()) {
    auto rune = base::FirstRune(text);
    ++characters.count;
    characters.has_nul |= rune.code == 0;
    characters.has_control |= rune.code < 0x20 || rune.code == 0x7F;
    characters.has_ink |= rune.code > 0x20;
    text.remove_prefix(std::max<size_t>(rune.bytes, 1));
  }
  return characters;
}

// The fault of `value`, or an empty text.
std::string TextFault(const Rule& rule, const json::value& value) {
  if (!value.is_string()) return "must be a string";
  std::string_view text = value.get_string();
  auto characters = CountCharacters(text);
  if (characters.has_nul) return "must not contain a NUL character";
  if (rule.type == Rule::Type::kName) {
    if (!characters.has_ink) return "must not be blank";
    if (characters.has_control) return "must not contain control characters";
  }
  if (rule.max > 0 && characters.count > rule.max) {
    return "must be at most " + std::to_string(rule.max) + " characters long";
  }
  if (characters.count < rule.min) return "must not be empty";
  if (rule.choices.empty() || std::find(rule.choices.begin(), rule.choices.end(), text) != rule.choices.end())
    return {};
  std::string fault = "must be one of";
  for (auto choice : rule.choices) fault.append(choice == rule.choices.front() ? " " : ", ").append(choice);
  return fault;
}

std::string IntegerFault(const Rule& rule, const json::value& value) {
  if (!value.is_int64() && !value.is_uint64()) return "must be an integer";
  if (value.is_int64() && value.get_int64() >= rule.min && value.get_int64() <= rule.max) return {};
  return "must be between " + std::to_string(rule.min) + " and " + std::to_string(rule.max);
}

std::string TimeFault(const json::value& value) {
  if (value.is_string() && base::ParseTime(std::string_view(value.get_string()))) return {};
  return "must be a time such as 2026-01-31T12:00:00Z";
}

std::string FaultOf(const Rule& rule, const json::value& value) {
  switch (rule.type) {
    case Rule::Type::kText:
    case Rule::Type::kName: return TextFault(rule, value);
    case Rule::Type::kInteger: return IntegerFault(rule, value);
    case Rule::Type::kFlag: return value.is_bool() ? "" : "must be true or false";
    case Rule::Type::kTime: return TimeFault(value);
    case Rule::Type::kObject: return value.is_object() ? "" : "must be an object";
    case Rule::Type::kTexts:
    case Rule::Type::kList:
      if (!value.is_array()) return "must be a list";
      if (value.get_array().size() > kMaxEntries)
        return "must have at most " + std::to_string(kMaxEntries) + " entries";
      return {};
  }
  return {};
}

json::value PageLink(std::string_view path, const Params& params, int64_t page) {
  if (page == 0) return nullptr;
  std::string url(path);
  char separator = '?';
  for (const auto& [name, value] : params.given) {
    if (name == "page[number]") continue;
    url.append(1, separator).append(net::EncodePercent(name)).append("=").append(net::EncodePercent(value));
    separator = '&';
  }
  url.append(1, separator).append(net::EncodePercent("page[number]")).append("=").append(std::to_string(page));
  return json::value(url);
}

json::value NumberOrNull(int64_t page) { return page == 0 ? json::value(nullptr) : json::value(page); }

}  // namespace

net::Response DocumentResponse(int status, const json::object& document) {
  net::Response response;
  response.status = status;
  response.content_type = "application/vnd.api+json";
  response.body = json::serialize(document);
  if (status == 201) {
    const auto* data = document.if_contains("data");
    const auto self = data == nullptr ? std::nullopt : base::StringAt(*data, {"links", "self"});
    if (self) response.header_lines = "Location: " + *self + "\r\n";
  }
  return response;
}

Result<Input> ParseInput(std::string_view body, std::string_view type, std::string_view id) {
  if (body.empty()) return base::Invalid("the request has no body; a document with the member 'data' is expected");
  RB_ASSIGN(auto document, base::ParseJson(body));
  const auto* data = base::At(document, {"data"});
  if (data == nullptr) return base::Invalid("the document has no member 'data'");
  if (!data->is_object()) return base::Invalid("the member 'data' must be an object", "/data");
  RB_TRY(CheckIdentity(data->get_object(), type, id));
  Input input;
  RB_ASSIGN(input.attributes, Member(data->get_object(), "attributes"));
  RB_ASSIGN(input.relationships, Member(data->get_object(), "relationships"));
  return input;
}

Result<json::object> ParseActionInput(std::string_view body) {
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return json::object();
  RB_ASSIGN(auto document, base::ParseJson(body));
  if (document.is_null()) return json::object();
  if (!document.is_object()) return base::Invalid("the body must be an object");
  const auto* data = document.get_object().if_contains("data");
  if (data == nullptr) return document.get_object();
  if (data->is_null()) return json::object();
  if (!data->is_object()) return base::Invalid("the member 'data' must be an object", "/data");
  return Member(data->get_object(), "attributes");
}

Result<json::object> ParseActionInput(std::string_view body, std::initializer_list<ActionAttribute> attributes) {
  RB_ASSIGN(auto given, ParseActionInput(body));
  for (const auto& [name, value] : given) {
    std::string_view key = name;
    const auto* known =
        std::find_if(attributes.begin(), attributes.end(), [&](const auto& known) { return known.name == key; });
    if (known == attributes.end()) return InvalidAttribute(key, "unknown attribute " + Quoted(key));
    RB_TRY(Check(known->rule, key, value));
  }
  return given;
}

Rule Rule::OrNull() const {
  Rule rule = *this;
  rule.nullable = true;
  return rule;
}

Rule Text(int64_t max_characters) { return {Rule::Type::kText, 0, max_characters}; }
Rule NameText() { return {Rule::Type::kName, 1, 255}; }
Rule OneOf(std::vector<std::string_view> choices) {
  Rule rule;
  rule.choices = std::move(choices);
  return rule;
}
Rule Integer(int64_t min, int64_t max) { return {Rule::Type::kInteger, min, max}; }
Rule Flag() { return {Rule::Type::kFlag, 0, 0}; }
Rule Time() { return {Rule::Type::kTime, 0, 0}; }
Rule Texts() { return {Rule::Type::kTexts, 0, 0}; }
Rule List() { return {Rule::Type::kList, 0, 0}; }
Rule Object() { return {Rule::Type::kObject, 0, 0}; }

Status Check(const Rule& rule, std::string_view attribute, const json::value& value) {
  if (value.is_null() && rule.nullable) return {};
  if (auto fault = FaultOf(rule, value); !fault.empty()) return InvalidAttribute(attribute, "value " + fault);
  if (rule.type != Rule::Type::kTexts) return {};
  size_t index = 0;
  for (const auto& item : value.get_array()) {
    if (auto fault = TextFault(Text(1024), item); !fault.empty()) {
      return InvalidAttribute(std::string(attribute) + "/" + std::to_string(index), "value " + fault);
    }
    ++index;
  }
  return {};
}

json::object ListDocument(json::array data, std::string_view path, const Params& params, int64_t total) {
  int64_t size = params.list.size;
  int64_t page = params.list.page;
  int64_t pages = std::max<int64_t>((total + size - 1) / size, 1);
  int64_t next = page < pages ? page + 1 : 0;
  int64_t previous = std::min(page - 1, pages);
  return {
      {"data", std::move(data)},
      {"links", json::object{{"first", PageLink(path, params, 1)},
                             {"last", PageLink(path, params, pages)},
                             {"next", PageLink(path, params, next)},
                             {"prev", PageLink(path, params, previous)},
                             {"self", PageLink(path, params, page)}}},
      {"meta", json::object{{"pagination", json::object{{"current-page", page},
                                                        {"next-page", NumberOrNull(next)},
                                                        {"prev-page", NumberOrNull(previous)},
                                                        {"page-size", size},
                                                        {"total-count", total},
                                                        {"total-pages", pages}}}}},
  };
}

json::object Identifier(std::string_view type, std::string_view id) { return {{"type", type}, {"id", id}}; }

json::object ToOne(std::string_view type, std::string_view id) {
  json::object one;
  if (id.empty()) {
    one["data"] = nullptr;
  } else {
    one["data"] = Identifier(type, id);
  }
  return one;
}

}  // namespace serve
