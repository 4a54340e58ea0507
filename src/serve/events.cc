#include "serve/events.h"

#include "base/time_text.h"

namespace serve {
namespace {

namespace json = base::json;
using base::Result;

json::object ShowConsidered(const store::Considered& considered) {
  bool fired = static_cast<bool>(considered.delivery);
  json::object shown{{"webhook", base::Format(considered.webhook)},
                     {"webhook-name", considered.webhook_name},
                     {"fired", fired},
                     {"delivery", nullptr},
                     {"not-fired-reason", nullptr}};
  if (fired) {
    shown["delivery"] = base::Format(considered.delivery);
  } else {
    shown["not-fired-reason"] = store::Name(considered.not_fired);
  }
  return shown;
}

json::object ShowEvent(const store::Event& event) {
  json::array considered;
  json::array deliveries;
  for (const auto& one : event.considered) {
    considered.push_back(ShowConsidered(one));
    if (one.delivery) deliveries.push_back(Identifier("webhook-integration-deliveries", base::Format(one.delivery)));
  }
  json::object resource = Identifier("run-events", base::Format(event.id));
  resource["attributes"] = json::object{{"name", run::Name(event.kind)},
                                        {"reason", TextOrNull(std::string(run::Name(event.reason)))},
                                        {"sequence", event.sequence},
                                        {"accepted-at", base::FormatIsoMillis(event.accepted_at)},
                                        {"considered", std::move(considered)}};
  resource["relationships"] = json::object{
      {"event", ToOne("event-definitions", run::Name(event.kind))},
      {"run", ToOne("runs", base::Format(event.run))},
      {"workspace", ToOne("workspaces", base::Format(event.workspace))},
      {"environment", ToOne("environments", base::Format(event.environment))},
      {"deliveries", json::object{{"data", std::move(deliveries)}}},
  };
  return resource;
}

}  // namespace

Result<net::Response> ListRunEvents(Call& call) {
  RB_TRY(ParseParams(call.request.query, Accepts::kNothing));
  RB_ASSIGN(auto id, IdOf<store::Run>(call));
  RB_ASSIGN(auto events, call.context.store.EventsOf(call.who(), id));
  json::array data;
  for (const auto& event : events) data.push_back(ShowEvent(event));
  return DocumentResponse(200, {{"data", std::move(data)}});
}

Result<net::Response> ListEffectiveWebhooks(Call& call) {
  RB_ASSIGN(auto params, ParseParams(call.request.query, Accepts::kDocument));
  RB_TRY(CheckNames<store::Webhook>(params));
  RB_ASSIGN(auto id, IdOf<store::Workspace>(call));
  RB_ASSIGN(auto rows, call.context.store.EffectiveWebhooks(call.who(), id));
  View view{call.context, call.who(), params};
  json::array data;
  for (const auto& row : rows) {
    auto resource = Serialize(row.webhook, view);
    resource["meta"] = json::object{{"inherited", row.inherited}};
    data.push_back(std::move(resource));
  }
  json::object document{{"data", std::move(data)}};
  RB_TRY(AddIncluded(document, params, view));
  return DocumentResponse(200, document);
}

}  // namespace serve
