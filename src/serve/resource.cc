#include "serve/resource.h"

#include "base/time_text.h"

namespace serve {
namespace {

namespace json = base::json;
using base::Result;

constexpr size_t kMaxLinks = 100;

struct TypeName {
  std::string_view type, singular;
};
constexpr TypeName kTypes[] = {
    {"access-tokens", "AccessToken"},
    {"accounts", "Account"},
    {"agent-pools", "AgentPool"},
    {"configuration-versions", "ConfigurationVersion"},
    {"endpoints", "Endpoint"},
    {"environments", "Environment"},
    {"event-definitions", "EventDefinition"},
    {"runs", "Run"},
    {"tags", "Tag"},
    {"users", "User"},
    {"vcs-providers", "VcsProvider"},
    {"webhook-integration-deliveries", "Delivery"},
    {"webhook-integrations", "Webhook"},
    {"webhooks", "Webhook"},
    {"workspaces", "Workspace"},
};

Result<std::string> ParseIdentifier(std::string_view name, std::string_view type, const json::value& given) {
  auto given_type = base::StringAt(given, {"type"});
  auto id = base::StringAt(given, {"id"});
  if (!given_type || !id) return InvalidRelationship(name, "a resource identifier with 'type' and 'id' is expected");
  if (*given_type != type) {
    return InvalidRelationship(name, "the type must be '" + std::string(type) + "'");
  }
  return *id;
}

}  // namespace

bool View::Shows(std::string_view type, std::string_view name) const {
  auto found = fields.find(type);
  return found == fields.end() || AsksFor(type, name);
}

bool View::AsksFor(std::string_view type, std::string_view name) const {
  auto found = fields.find(type);
  return found != fields.end() && std::find(found->second.begin(), found->second.end(), name) != found->second.end();
}

std::string View::Link(std::string_view path) const { return context.options.external_url + std::string(path); }

bool View::Includes(std::string_view relationship) const {
  return std::find(include.begin(), include.end(), relationship) != include.end();
}

json::value Permissions(std::string_view type, const base::Principal& who, const base::Place& update,
                        const base::Place& deletion) {
  return json::object{{std::string(type) + ":update", who.May(base::Scope::kWrite, update)},
                      {std::string(type) + ":delete", who.May(base::Scope::kWrite, deletion)}};
}

bool IsType(std::string_view type) {
  return std::any_of(std::begin(kTypes), std::end(kTypes), [&](const auto& known) { return known.type == type; });
}

std::string SingularOf(std::string_view type) {
  for (const auto& known : kTypes) {
    if (known.type == type) return std::string(known.singular);
  }
  return std::string(type);
}

std::vector<std::string> UserOf(base::TokenId token) { return One(base::UserId{token.value}); }

bool IsOwnAccount(const std::vector<std::string>& ids, const View& view) {
  return ids.empty() || ids.front() == view.context.account.id;
}

json::value TimeOrNull(const std::optional<base::WallTime>& time) {
  if (!time) return nullptr;
  return json::value(base::FormatIso(*time));
}

json::value TextOrNull(const std::string& text) {
  if (text.empty()) return nullptr;
  return json::value(text);
}

json::object RelationshipObject(std::string_view type, bool many, const std::vector<std::string>& ids) {
  if (!many) return ToOne(type, ids.empty() ? std::string_view() : ids.front());
  json::array data;
  for (const auto& id : ids) data.push_back(Identifier(type, id));
  return {{"data", std::move(data)}};
}

Result<std::vector<std::string>> ParseLinkage(std::string_view name, std::string_view type, bool many,
                                              const json::value& given) {
  std::vector<std::string> ids;
  if (given.is_null()) return ids;
  const auto* data = base::At(given, {"data"});
  if (data == nullptr) return InvalidRelationship(name, "an object with the member 'data' is expected");
  if (data->is_null()) return ids;
  if (!many) {
    RB_ASSIGN(auto id, ParseIdentifier(name, type, *data));
    ids.push_back(std::move(id));
    return ids;
  }
  if (!data->is_array()) return InvalidRelationship(name, "the member 'data' must be a list");
  if (data->get_array().size() > kMaxLinks) return InvalidRelationship(name, "too many entries");
  for (const auto& item : data->get_array()) {
    RB_ASSIGN(auto id, ParseIdentifier(name, type, item));
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(std::move(id));
  }
  return ids;
}

}  // namespace serve
