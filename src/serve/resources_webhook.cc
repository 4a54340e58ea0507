// Webhooks.
#include "base/time_text.h"
#include "serve/resource.h"

namespace serve {
namespace {

namespace json = base::json;
using base::Status;
using store::Reach;
using store::Webhook;

base::Place PlaceOf(const Webhook& row) {
  if (row.reach == Reach::kShared) return {};
  return {row.environments.empty() ? base::EnvironmentId() : row.environments.front(), row.workspace};
}

json::value ShowSpan(const store::WebhookStatistics::Span& span) {
  return json::object{{"delivered", span.delivered}, {"failed", span.failed}, {"total", span.total}};
}

json::value ShowStatistics(const Webhook& row, const View& view) {
  store::WebhookStatistics statistics;
  if (auto found = view.statistics.find(row.id); found != view.statistics.end()) statistics = found->second;
  return json::object{{"last-hour", ShowSpan(statistics.last_hour)},
                      {"last-day", ShowSpan(statistics.last_day)},
                      {"last-week", ShowSpan(statistics.last_week)}};
}

std::vector<std::string> EventNames(const Webhook& row, const View&) {
  std::vector<std::string> names;
  for (auto kind : row.events) names.emplace_back(run::Name(kind));
  return names;
}

bool SetEvents(Webhook& row, const std::vector<std::string>& ids, const View&) {
  row.events.clear();
  for (const auto& id : ids) {
    if (auto kind = run::ParseEventKind(id)) row.events.push_back(*kind);
  }
  return true;
}

// The names of events are checked apart, to say which are allowed.
Status CheckEvents(const Input& input) {
  const auto* given = input.relationships.if_contains("events");
  if (given == nullptr) return {};
  auto ids = ParseLinkage("events", "event-definitions", true, *given);
  if (!ids) return ids.error();
  for (const auto& id : *ids) {
    if (run::ParseEventKind(id)) continue;
    std::string allowed;
    for (auto kind : run::kAllEvents) allowed.append(allowed.empty() ? "" : ", ").append(run::Name(kind));
    return InvalidRelationship("events", "Invalid value for events '" + id + "'. Allowed values: " + allowed);
  }
  return {};
}

std::vector<Attribute<Webhook>> Attributes() {
  using W = Webhook;
  return {
      {.name = "name",
       .rule = NameText(),
       .get = [](const W& row, const View&) { return json::value(row.name); },
       .set = [](W& row, const json::value& value) { row.name = std::string(value.get_string()); },
       .required = true},
      {.name = "enabled",
       .rule = Flag(),
       .get = [](const W& row, const View&) { return json::value(row.enabled); },
       .set = [](W& row, const json::value& value) { row.enabled = value.get_bool(); }},
      {.name = "last-triggered-at", .get = [](const W& row, const View&) { return TimeOrNull(row.last_triggered_at); }},
      {.name = "permissions",
       .get = [](const W& row,
                 const View& view) { return Permissions("webhooks", view.who, PlaceOf(row), PlaceOf(row)); }},
      {.name = "statistics", .get = ShowStatistics, .on_request = true},
      {.name = "created-at",
       .get = [](const W& row, const View&) { return json::value(base::FormatIso(row.created_at)); }},
      {.name = "updated-at",
       .get = [](const W& row, const View&) { return json::value(base::FormatIso(row.updated_at)); }},
  };
}

std::vector<Relationship<Webhook>> Relationships() {
  using W = Webhook;
  return {
      {.name = "endpoint",
       .type = "endpoints",
       .get = [](const W& row, const View&) { return One(row.endpoint); },
       .set = [](W& row, const std::vector<std::string>& ids, const View&) { return SetId(row.endpoint, ids); },
       .required = true},
      {.name = "events", .type = "event-definitions", .get = EventNames, .set = SetEvents, .many = true},
      {.name = "environment",
       .type = "environments",
       .get = [](const W& row, const View&) { return One(PlaceOf(row).environment); },
       .set =
           [](W& row, const std::vector<std::string>& ids, const View&) {
             base::EnvironmentId environment;
             if (!SetId(environment, ids)) return false;
             row.environments.clear();
             if (environment) row.environments.push_back(environment);
             return true;
           },
       .fixed = true},
      {.name = "workspace",
       .type = "workspaces",
       .get = [](const W& row, const View&) { return One(row.workspace); },
       .set = [](W& row, const std::vector<std::string>& ids, const View&) { return SetId(row.workspace, ids); },
       .fixed = true},
      {.name = "account",
       .type = "accounts",
       .get = [](const W&, const View& view) { return std::vector<std::string>{view.context.account.id}; },
       .set = [](W&, const std::vector<std::string>& ids, const View& view) { return IsOwnAccount(ids, view); },
       .fixed = true},
  };
}

// Whether the places exist, belong together and can reach the endpoint is the store's to say.
Status SettleReach(Webhook& row) {
  row.reach = row.workspace ? Reach::kWorkspace : Reach::kEnvironments;
  if (row.workspace || !row.environments.empty()) return {};
  return InvalidRelationship("environment",
                             "Missing workspace_id or environment_id: a webhook belongs to a workspace or to an "
                             "environment");
}

Status Finish(Webhook& row, const Webhook* before, const Input& input, const View&) {
  RB_TRY(CheckEvents(input));
  return before == nullptr ? SettleReach(row) : Status();
}

}  // namespace

Status Prepare(View& view, const std::vector<Webhook>& rows) {
  if (rows.empty() || !view.AsksFor("webhooks", "statistics")) return {};
  std::vector<base::WebhookId> ids;
  for (const auto& row : rows) ids.push_back(row.id);
  RB_ASSIGN(auto statistics, view.context.store.Statistics(view.who, ids));
  for (const auto& one : statistics) view.statistics[one.webhook] = one;
  return {};
}

template <>
const Resource<Webhook>& Describe() {
  static const Resource<Webhook> kResource{"webhooks", "Webhook", "/webhooks", Attributes(), Relationships(), Finish};
  return kResource;
}

}  // namespace serve
