#include "serve/account.h"

namespace serve {
namespace {

namespace json = base::json;
using base::Error;
using base::Result;

json::object Whole(std::string_view type, std::string_view id, json::object attributes, std::string_view path,
                   const View& view) {
  if (auto fields = view.fields.find(type); fields != view.fields.end()) {
    json::object kept;
    for (auto& [name, value] : attributes) {
      if (view.AsksFor(type, std::string_view(name))) kept[name] = std::move(value);
    }
    attributes = std::move(kept);
  }
  json::object resource = Identifier(type, id);
  resource["attributes"] = std::move(attributes);
  if (!path.empty()) {
    std::string self = std::string(kApiRoot) + std::string(path) + "/" + std::string(id);
    resource["links"] = json::object{{"self", view.Link(self)}};
  }
  return resource;
}

Result<Params> DocumentParams(const Call& call) { return ParseParams(call.request.query, Accepts::kDocument); }

}  // namespace

json::object Account(std::string_view id, const View& view) {
  return Whole("accounts", id, {{"name", view.context.account.name}, {"allowed-ips", json::array()}}, "/accounts",
               view);
}

json::object User(std::string_view id, const View& view) {
  std::string name(id);
  if (auto user = base::Parse<base::UserId>(id)) {
    auto token = view.context.store.Get<store::Token>(base::Principal::System(), base::TokenId{user->value});
    if (token) name = token->name;
  }
  return Whole("users", id, {{"username", name}, {"full-name", name}, {"email", nullptr}}, "", view);
}

json::object EventDefinition(std::string_view id, const View& view) {
  auto kind = run::ParseEventKind(id);
  json::object attributes{{"name", id}, {"description", nullptr}};
  if (kind) attributes["description"] = run::Description(*kind);
  return Whole("event-definitions", id, std::move(attributes), "/event-definitions", view);
}

Result<json::object> WebhookIntegration(std::string_view id, const View& view) {
  auto parsed = base::Parse<base::WebhookId>(id);
  if (!parsed) return Error(base::Code::kNotFound, "not an id");
  RB_ASSIGN(auto webhook, view.context.store.Get<store::Webhook>(view.who, *parsed));
  RB_ASSIGN(auto endpoint, view.context.store.Get<store::Endpoint>(view.who, webhook.endpoint));
  json::object attributes{
      {"name", webhook.name},          {"url", endpoint.url},
      {"enabled", webhook.enabled},    {"is-shared", webhook.reach == store::Reach::kShared},
      {"http-method", "POST"},         {"max-attempts", endpoint.max_attempts},
      {"timeout", endpoint.timeout_s}, {"last-triggered-at", TimeOrNull(webhook.last_triggered_at)}};
  return Whole("webhook-integrations", id, std::move(attributes), "", view);
}

Result<net::Response> ReadAccount(Call& call) {
  RB_ASSIGN(auto params, DocumentParams(call));
  if (call.ids.front() != call.context.account.id) return Error(base::Code::kNotFound, "another account");
  View view{call.context, call.who(), params};
  return DocumentResponse(200, {{"data", Account(call.ids.front(), view)}});
}

Result<net::Response> ListEventDefinitions(Call& call) {
  RB_ASSIGN(auto params, ParseParams(call.request.query, Accepts::kList));
  RB_ASSIGN(const std::string account, params.TakeFilter("account"));
  if (!params.list.filters.empty()) {
    std::string name = "filter[" + params.list.filters.front().name + "]";
    return InvalidParameter(name, "unknown filter '" + params.list.filters.front().name + "'");
  }
  if (!params.list.sort.empty()) return InvalidParameter("sort", "event definitions have a fixed order");
  if (!params.include.empty()) return InvalidParameter("include", "event definitions have no relationships");
  View view{call.context, call.who(), params};
  std::vector<std::string_view> names;
  const bool ours = account.empty() || account == call.context.account.id;
  for (auto kind : run::kAllEvents) {
    if (ours && run::Name(kind).find(params.list.text) != std::string_view::npos) names.push_back(run::Name(kind));
  }
  json::array data;
  size_t first = static_cast<size_t>(params.list.page - 1) * static_cast<size_t>(params.list.size);
  for (size_t i = first; i < names.size() && i < first + static_cast<size_t>(params.list.size); ++i) {
    data.push_back(EventDefinition(names[i], view));
  }
  return DocumentResponse(
      200, ListDocument(std::move(data), view.Link(call.request.path), params, static_cast<int64_t>(names.size())));
}

Result<net::Response> ReadEventDefinition(Call& call) {
  RB_ASSIGN(auto params, DocumentParams(call));
  if (!run::ParseEventKind(call.ids.front())) return Error(base::Code::kNotFound, "no such event");
  View view{call.context, call.who(), params};
  return DocumentResponse(200, {{"data", EventDefinition(call.ids.front(), view)}});
}

}  // namespace serve
