// Endpoints.
#include "base/time_text.h"
#include "serve/resource.h"

namespace serve {
namespace {

namespace json = base::json;
using base::Status;
using store::Endpoint;

bool MaySeeSecret(const Endpoint& row, const View& view) { return view.who.May(base::Scope::kWrite, row.place); }

json::value SecretText(const Endpoint& row, const View& view) {
  if (!MaySeeSecret(row, view)) return nullptr;
  return json::value(row.secret.Reveal());
}

json::value SigningSecret(const Endpoint& row, const View& view) {
  if (!MaySeeSecret(row, view)) return nullptr;
  return json::value(hook::FormatWhsec(row.secret).Reveal());
}

json::value ShowHeaders(const Endpoint& row, const View&) {
  json::array headers;
  for (const auto& header : row.headers) {
    const bool sensitive = hook::IsSensitive(header);
    json::object shown{{"name", header.name}, {"value", nullptr}, {"sensitive", sensitive}};
    if (!sensitive) shown["value"] = header.value;
    headers.push_back(std::move(shown));
  }
  return headers;
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return lower;
}

hook::CustomHeader HeaderOf(const json::object& given) {
  json::value value(given);
  return {base::StringAt(value, {"name"}).value_or(""), base::StringAt(value, {"value"}).value_or(""),
          base::BoolAt(value, {"sensitive"}).value_or(false)};
}

// The form only: what a header may be called and hold is the store's to say.
Status CheckHeaderEntry(const json::value& entry) {
  if (!entry.is_object()) return base::Invalid("value must be an object with name, value and sensitive");
  for (const auto& [key, value] : entry.get_object()) {
    bool fits = (key == "name" && value.is_string()) || (key == "value" && (value.is_string() || value.is_null())) ||
                (key == "sensitive" && value.is_bool());
    if (!fits) return base::Invalid("value has a wrong or unknown member '" + std::string(key) + "'");
  }
  return {};
}

Status CheckHeaders(const json::value& value) {
  size_t index = 0;
  for (const auto& entry : value.get_array()) {
    if (auto status = CheckHeaderEntry(entry); !status) {
      return base::Invalid(status.error().message, "/" + std::to_string(index));
    }
    ++index;
  }
  return {};
}

// A sensitive header that comes back with the value null, as it was read, keeps the value it has.
void SetHeaders(Endpoint& row, const json::value& value) {
  std::vector<hook::CustomHeader> headers;
  for (const auto& entry : value.is_array() ? value.get_array() : json::array()) {
    auto header = HeaderOf(entry.get_object());
    const auto* given = entry.get_object().if_contains("value");
    if (given == nullptr || given->is_null()) {
      for (const auto& old : row.headers) {
        if (hook::IsSensitive(old) && LowerCase(old.name) == LowerCase(header.name)) header = old;
      }
    }
    headers.push_back(std::move(header));
  }
  row.headers = std::move(headers);
}

Status CheckUrl(const json::value& value) {
  auto url = net::ParseUrl(std::string_view(value.get_string()));
  if (!url) return base::Invalid("value is not a usable URL: " + url.error().message);
  return {};
}

Rule SecretRule() {
  Rule rule = Text(1024).OrNull();
  rule.min = 1;
  return rule;
}

std::vector<Attribute<Endpoint>> PlainAttributes() {
  using E = Endpoint;
  return {
      {.name = "name",
       .rule = NameText(),
       .get = [](const E& row, const View&) { return json::value(row.name); },
       .set = [](E& row, const json::value& value) { row.name = std::string(value.get_string()); },
       .required = true},
      {.name = "url",
       .rule = Text(2048),
       .get = [](const E& row, const View&) { return json::value(row.url); },
       .set = [](E& row, const json::value& value) { row.url = std::string(value.get_string()); },
       .check = CheckUrl,
       .required = true},
      {.name = "http-method", .get = [](const E&, const View&) { return json::value("POST"); }},
      {.name = "secret-key",
       .rule = SecretRule(),
       .get = SecretText,
       .set =
           [](E& row, const json::value& value) {
             if (value.is_string()) row.secret = base::Secret(std::string(value.get_string()));
           }},
      {.name = "max-attempts",
       .rule = Integer(1, store::kMaxAttempts),
       .get = [](const E& row, const View&) { return json::value(row.max_attempts); },
       .set = [](E& row, const json::value& value) { row.max_attempts = static_cast<int>(value.get_int64()); }},
      {.name = "timeout",
       .rule = Integer(0, store::kMaxTimeoutSeconds),
       .get = [](const E& row, const View&) { return json::value(row.timeout_s); },
       .set = [](E& row, const json::value& value) { row.timeout_s = static_cast<int>(value.get_int64()); }},
      {.name = "permissions",
       .get = [](const E& row,
                 const View& view) { return Permissions("webhook-endpoints", view.who, row.place, row.place); }},
  };
}

// Beside those of the contract.
std::vector<Attribute<Endpoint>> Additions() {
  using E = Endpoint;
  return {
      {.name = "signing-secret", .get = SigningSecret},
      {.name = "headers", .rule = List().OrNull(), .get = ShowHeaders, .set = SetHeaders, .check = CheckHeaders},
      {.name = "payload-form",
       .rule = OneOf({"underscore", "hyphen"}),
       .get = [](const E& row, const View&) { return json::value(hook::Name(row.form)); },
       .set =
           [](E& row, const json::value& value) {
             row.form = hook::ParsePayloadForm(std::string_view(value.get_string())).value_or(row.form);
           }},
      {.name = "state", .get = [](const E& row, const View&) { return json::value(store::Name(row.state)); }},
      {.name = "state-reason", .get = [](const E& row, const View&) { return TextOrNull(row.state_reason); }},
      {.name = "held-until",
       .get =
           [](const E& row, const View& view) {
             const bool holds = row.held_until && *row.held_until > view.context.clock.Now();
             return TimeOrNull(holds ? row.held_until : std::nullopt);
           }},
      {.name = "failures-in-a-row",
       .get = [](const E& row, const View&) { return json::value(row.failures_in_a_row); }},
      {.name = "previous-secret-until", .get = [](const E& row, const View&) { return TimeOrNull(row.overlap_ends); }},
      {.name = "created-at",
       .get = [](const E& row, const View&) { return json::value(base::FormatIso(row.created_at)); }},
      {.name = "updated-at",
       .get = [](const E& row, const View&) { return json::value(base::FormatIso(row.updated_at)); }},
  };
}

std::vector<Attribute<Endpoint>> Attributes() {
  auto attributes = PlainAttributes();
  for (auto& addition : Additions()) attributes.push_back(std::move(addition));
  return attributes;
}

std::vector<Relationship<Endpoint>> Relationships() {
  using E = Endpoint;
  return {
      {.name = "environment",
       .type = "environments",
       .get = [](const E& row, const View&) { return One(row.place.environment); },
       .set = [](E& row, const std::vector<std::string>& ids,
                 const View&) { return SetId(row.place.environment, ids); },
       .fixed = true},
      {.name = "workspace",
       .type = "workspaces",
       .get = [](const E& row, const View&) { return One(row.place.workspace); },
       .set = [](E& row, const std::vector<std::string>& ids, const View&) { return SetId(row.place.workspace, ids); },
       .fixed = true},
      {.name = "account",
       .type = "accounts",
       .get = [](const E&, const View& view) { return std::vector<std::string>{view.context.account.id}; },
       .set = [](E&, const std::vector<std::string>& ids, const View& view) { return IsOwnAccount(ids, view); },
       .fixed = true},
  };
}

}  // namespace

template <>
const Resource<Endpoint>& Describe() {
  static const Resource<Endpoint> kResource{"endpoints", "Endpoint", "/endpoints", Attributes(), Relationships()};
  return kResource;
}

}  // namespace serve
