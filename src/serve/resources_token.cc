// Access tokens.
#include "base/time_text.h"
#include "serve/resource.h"

namespace serve {
namespace {

namespace json = base::json;
using base::Result;
using base::Status;
using store::Token;

constexpr int64_t kMaxMinutes = 10LL * 366 * 24 * 60;
constexpr size_t kMaxGrants = 100;

json::value ShowGrants(const Token& row, const View&) {
  json::array grants;
  for (const auto& grant : row.grants) {
    json::object shown{{"scope", base::Name(grant.scope)}};
    if (grant.place.workspace) {
      shown["workspace"] = base::Format(grant.place.workspace);
    } else if (grant.place.environment) {
      shown["environment"] = base::Format(grant.place.environment);
    }
    grants.push_back(std::move(shown));
  }
  return grants;
}

json::value ShowMinutes(const Token& row, const View&) {
  if (!row.expires_at) return nullptr;
  // Counted from the request, a moment before the token was made.
  return std::chrono::ceil<std::chrono::minutes>(*row.expires_at - row.created_at).count();
}

Result<base::Grant> ParseGrant(const json::value& given) {
  if (!given.is_object()) return base::Invalid("value must be an object with scope and, at will, a place");
  base::Grant grant;
  bool has_scope = false;
  for (const auto& [key, value] : given.get_object()) {
    if (value.is_null() && key != "scope") continue;
    std::string_view text = value.is_string() ? std::string_view(value.get_string()) : std::string_view();
    bool fits = false;
    if (auto scope = key == "scope" ? base::ParseScope(text) : std::nullopt) {
      grant.scope = *scope;
      fits = has_scope = true;
    } else if (auto workspace = key == "workspace" ? base::Parse<base::WorkspaceId>(text) : std::nullopt) {
      grant.place.workspace = *workspace;
      fits = true;
    } else if (auto environment = key == "environment" ? base::Parse<base::EnvironmentId>(text) : std::nullopt) {
      grant.place.environment = *environment;
      fits = true;
    }
    if (!fits) return base::Invalid("value has a wrong or unknown member '" + std::string(key) + "'");
  }
  if (!has_scope) return base::Invalid("scope is required: one of read, report, approve, write, admin");
  return grant;
}

Status CheckGrants(const json::value& value) {
  size_t count = value.get_array().size();
  if (count == 0 || count > kMaxGrants) return base::Invalid("value must have between 1 and 100 entries");
  size_t index = 0;
  for (const auto& given : value.get_array()) {
    auto grant = ParseGrant(given);
    if (!grant) return base::Invalid(grant.error().message, "/" + std::to_string(index));
    ++index;
  }
  return {};
}

void SetGrants(Token& row, const json::value& value) {
  row.grants.clear();
  if (!value.is_array()) return;
  for (const auto& given : value.get_array()) {
    if (auto grant = ParseGrant(given)) row.grants.push_back(*grant);
  }
}

std::vector<Attribute<Token>> Attributes() {
  using T = Token;
  return {
      {.name = "name",
       .rule = NameText().OrNull(),
       .get = [](const T& row, const View&) { return TextOrNull(row.name); },
       .set =
           [](T& row, const json::value& value) {
             row.name = value.is_string() ? std::string(value.get_string()) : std::string();
           }},
      {.name = "description",
       .rule = Text(255).OrNull(),
       .get = [](const T& row, const View&) { return TextOrNull(row.description); },
       .set =
           [](T& row, const json::value& value) {
             row.description = value.is_string() ? std::string(value.get_string()) : std::string();
           }},
      {.name = "created-at",
       .get = [](const T& row, const View&) { return json::value(base::FormatIso(row.created_at)); }},
      {.name = "last-used-at", .get = [](const T& row, const View&) { return TimeOrNull(row.last_used_at); }},
      {.name = "expires-in",
       .rule = Integer(1, kMaxMinutes).OrNull(),
       .get = ShowMinutes,
       .set = [](T&, const json::value&) {}},  // becomes expires_at in Finish, which knows the time
      {.name = "expires-at", .get = [](const T& row, const View&) { return TimeOrNull(row.expires_at); }},
      {.name = "is-expired",
       .get =
           [](const T& row, const View& view) {
             return json::value(row.expires_at && *row.expires_at <= view.context.clock.Now());
           }},
      {.name = "token",
       .get = [](const T& row, const View& view) -> json::value {
         if (!view.created) return nullptr;
         return json::value(row.text.Reveal());
       }},
      {.name = "grants", .rule = List(), .get = ShowGrants, .set = SetGrants, .check = CheckGrants},
  };
}

std::vector<Relationship<Token>> Relationships() {
  return {{.name = "created-by", .type = "users", .get = [](const Token& row, const View&) {
             return UserOf(row.created_by);
           }}};
}

// A workspace of a grant brings its environment along.
Status SettleGrant(base::Grant& grant, size_t index, const View& view) {
  if (!grant.place.workspace) return {};
  auto workspace = Require<store::Workspace>(view, grant.place.workspace, "grants");
  if (!workspace) return workspace.error();
  if (grant.place.environment && grant.place.environment != workspace->environment) {
    return InvalidAttribute("grants/" + std::to_string(index), "the workspace is in another environment");
  }
  grant.place.environment = workspace->environment;
  return {};
}

// A document that was read may be sent back.
Status CheckFixed(const Token& row, const Token& before, const Input& input, const View& view) {
  constexpr std::string_view kFixed = "what a token may do, and until when, is fixed when it is made";
  if (ShowGrants(row, view) != ShowGrants(before, view)) return InvalidAttribute("grants", std::string(kFixed));
  const auto* minutes = input.attributes.if_contains("expires-in");
  if (minutes != nullptr && *minutes != ShowMinutes(before, view)) {
    return InvalidAttribute("expires-in", std::string(kFixed));
  }
  return {};
}

Status Finish(Token& row, const Token* before, const Input& input, const View& view) {
  // Without grants a token may do what its maker may.
  if (before == nullptr && !input.Has("grants")) row.grants = view.who.grants;
  for (size_t i = 0; i < row.grants.size(); ++i) RB_TRY(SettleGrant(row.grants[i], i, view));
  if (before != nullptr) return CheckFixed(row, *before, input, view);
  if (const auto* minutes = input.attributes.if_contains("expires-in"); minutes != nullptr && minutes->is_int64()) {
    row.expires_at = view.context.clock.Now() + std::chrono::minutes(minutes->get_int64());
  }
  return {};
}

}  // namespace

template <>
const Resource<Token>& Describe() {
  static const Resource<Token> kResource{"access-tokens", "AccessToken",   "/access-tokens",
                                         Attributes(),    Relationships(), Finish};
  return kResource;
}

}  // namespace serve
