#include "serve/deliveries.h"

#include "base/time_text.h"

namespace serve {
namespace {

namespace json = base::json;
using base::Result;
using store::Attempt;
using store::DeliveryDetail;

constexpr std::string_view kType = "webhook-integration-deliveries";

// "Name: value\r\n" lines as an object; lines with one name are joined as HTTP does it.
json::object HeaderObject(std::string_view lines) {
  json::object headers;
  while (!lines.empty()) {
    auto line = lines.substr(0, lines.find("\r\n"));
    lines.remove_prefix(std::min(lines.size(), line.size() + 2));
    size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    std::string name = CleanText(line.substr(0, colon));
    auto rest = line.substr(colon + 1);
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    std::string value = CleanText(rest);
    if (const auto* before = headers.if_contains(name)) value = std::string(before->get_string()) + ", " + value;
    headers[name] = value;
  }
  return headers;
}

// An object when it is one, the text otherwise.
json::value BodyValue(std::string_view body) {
  auto parsed = base::ParseJson(body);
  if (parsed && parsed->is_object()) return std::move(*parsed);
  return json::value(CleanText(body));
}

json::value ErrorMessage(const DeliveryDetail& row, const View&) {
  if (row.delivery.status == store::DeliveryStatus::kCompleted) return nullptr;
  if (row.last_attempt && !row.last_attempt->detail.empty()) return json::value(CleanText(row.last_attempt->detail));
  if (row.delivery.why == hook::Why::kNone) return nullptr;
  return json::value(hook::Describe(row.delivery.why));
}

json::value ShowResponseBody(const DeliveryDetail& row, const View&) {
  if (!row.last_attempt || row.last_attempt->response_code == 0) return nullptr;
  return BodyValue(row.last_attempt->response_body);
}

json::value ShowOutcome(const DeliveryDetail& row, const View&) {
  if (!row.delivery.outcome) return nullptr;
  return json::value(hook::Name(*row.delivery.outcome));
}

std::vector<Attribute<DeliveryDetail>> OfContract() {
  using D = DeliveryDetail;
  return {
      {.name = "status",
       .get = [](const D& row, const View&) { return json::value(store::Name(row.delivery.status)); }},
      {.name = "attempts", .get = [](const D& row, const View&) { return json::value(row.delivery.attempts); }},
      {.name = "triggered-at",
       .get = [](const D& row, const View&) { return json::value(base::FormatIso(row.delivery.triggered_at)); }},
      {.name = "last-handle-attempt-at",
       .get = [](const D& row, const View&) { return TimeOrNull(row.delivery.last_attempt_at); }},
      {.name = "error-message", .get = ErrorMessage},
      {.name = "request-headers",
       .get = [](const D& row, const View&) -> json::value {
         return row.last_attempt ? HeaderObject(row.last_attempt->request_headers) : json::object();
       }},
      {.name = "request-body",
       .get = [](const D& row, const View&) -> json::value {
         if (row.body.empty()) return nullptr;
         return BodyValue(row.body);
       }},
      {.name = "response-code",
       .get = [](const D& row, const View&) -> json::value {
         if (!row.delivery.response_code) return nullptr;
         return *row.delivery.response_code;
       }},
      {.name = "response-headers",
       .get = [](const D& row, const View&) -> json::value {
         if (!row.last_attempt || row.last_attempt->response_code == 0) return nullptr;
         return HeaderObject(row.last_attempt->response_headers);
       }},
      {.name = "response-body", .get = ShowResponseBody},
  };
}

std::vector<Attribute<DeliveryDetail>> Additions() {
  using D = DeliveryDetail;
  return {
      {.name = "request-body-raw",
       .get = [](const D& row, const View&) { return row.body.empty() ? json::value() : json::value(row.body); }},
      {.name = "expired", .get = [](const D& row, const View&) { return json::value(row.purged); }},
      {.name = "outcome", .get = ShowOutcome},
      {.name = "decision",
       .get = [](const D& row, const View&) { return TextOrNull(std::string(hook::Name(row.delivery.why))); }},
      {.name = "decision-text",
       .get = [](const D& row, const View&) { return TextOrNull(std::string(hook::Describe(row.delivery.why))); }},
      {.name = "next-attempt-at",
       .get = [](const D& row, const View&) { return TimeOrNull(row.delivery.next_attempt_at); }},
      {.name = "reason",
       .get = [](const D& row, const View&) { return TextOrNull(std::string(run::Name(row.delivery.reason))); }},
      {.name = "webhook-name", .get = [](const D& row, const View&) { return json::value(row.delivery.webhook_name); }},
  };
}

std::vector<Attribute<DeliveryDetail>> Attributes() {
  auto attributes = OfContract();
  for (auto& addition : Additions()) attributes.push_back(std::move(addition));
  return attributes;
}

std::vector<Relationship<DeliveryDetail>> Relationships() {
  using D = DeliveryDetail;
  return {
      {.name = "webhook",
       .type = "webhook-integrations",
       .get = [](const D& row, const View&) { return One(row.delivery.webhook); }},
      {.name = "event",
       .type = "event-definitions",
       .get = [](const D& row, const View&) { return std::vector{std::string(run::Name(row.delivery.kind))}; }},
      {.name = "environment",
       .type = "environments",
       .get = [](const D& row, const View&) { return One(row.delivery.environment); }},
      {.name = "workspace",
       .type = "workspaces",
       .get = [](const D& row, const View&) { return One(row.delivery.workspace); }},
      {.name = "run", .type = "runs", .get = [](const D& row, const View&) { return One(row.delivery.run); }},
      {.name = "triggered-by",
       .type = "users",
       .get = [](const D& row, const View&) { return UserOf(row.delivery.triggered_by); }},
      {.name = "endpoint",
       .type = "endpoints",
       .get = [](const D& row, const View&) { return One(row.delivery.endpoint); }},
      {.name = "run-event",
       .type = "run-events",
       .get = [](const D& row, const View&) { return One(row.delivery.event); }},
      {.name = "resend-of",
       .type = kType,
       .get = [](const D& row, const View&) { return One(row.delivery.resend_of); }},
  };
}

// Whether a document shows anything that the list's rows do not hold.
bool NeedsDetail(const View& view) {
  constexpr std::string_view kDetails[] = {"error-message",    "request-headers", "request-body", "request-body-raw",
                                           "response-headers", "response-body",   "expired"};
  return std::any_of(std::begin(kDetails), std::end(kDetails),
                     [&](std::string_view name) { return view.Shows(kType, name); });
}

Result<DeliveryDetail> DetailOf(store::Delivery row, const View& view) {
  if (!NeedsDetail(view)) {
    DeliveryDetail detail;
    detail.delivery = std::move(row);
    return detail;
  }
  return view.context.store.Detail(view.who, row.id);
}

Result<base::DeliveryId> IdOf(const Call& call) {
  auto id = base::Parse<base::DeliveryId>(call.ids.front());
  if (!id) return base::Error(base::Code::kNotFound, "not an id");
  return *id;
}

Result<net::Response> DetailDocument(int status, base::DeliveryId id, Call& call) {
  RB_ASSIGN(auto params, ParseParams(call.request.query, Accepts::kDocument));
  RB_TRY(CheckNames<DeliveryDetail>(params));
  RB_ASSIGN(auto detail, call.context.store.Detail(call.who(), id));
  View view{call.context, call.who(), params};
  json::object document{{"data", Serialize(detail, base::Format(id), view)}};
  RB_TRY(AddIncluded(document, params, view));
  return DocumentResponse(status, document);
}

json::value MicrosOrNull(int64_t us) { return us < 0 ? json::value(nullptr) : json::value(us); }

json::object ShowDecision(const hook::Decision& decision) {
  static constexpr std::string_view kVerbs[] = {"delivered", "retry", "give_up"};
  json::object shown{{"verb", kVerbs[static_cast<size_t>(decision.verb)]},
                     {"reason", hook::Name(decision.why)},
                     {"text", hook::Describe(decision.why)},
                     {"attempts-used", decision.attempts_used},
                     {"retry-at", nullptr},
                     {"endpoint-paused-until", TimeOrNull(decision.pause_endpoint)},
                     {"endpoint-disabled", decision.disable_endpoint}};
  if (decision.verb == hook::Verb::kRetry) shown["retry-at"] = base::FormatIsoMillis(decision.retry_at);
  return shown;
}

json::object ShowAttempt(const Attempt& attempt, std::string_view delivery) {
  bool answered = attempt.response_code != 0;
  json::object attributes{
      {"number", attempt.number},
      {"started-at", base::FormatIsoMillis(attempt.started_at)},
      {"outcome", hook::Name(attempt.outcome)},
      {"detail", TextOrNull(CleanText(attempt.detail))},
      {"decision", ShowDecision(attempt.decision)},
      {"address", TextOrNull(attempt.address)},
      {"request-headers", HeaderObject(attempt.request_headers)},
      {"response-code", answered ? json::value(attempt.response_code) : json::value(nullptr)},
      {"response-headers", answered ? json::value(HeaderObject(attempt.response_headers)) : json::value(nullptr)},
      {"response-body", answered ? json::value(CleanText(attempt.response_body)) : json::value(nullptr)},
      {"response-cut", attempt.response_cut},
      {"timings-us", json::object{{"resolve", MicrosOrNull(attempt.resolve_us)},
                                  {"connect", MicrosOrNull(attempt.connect_us)},
                                  {"tls", MicrosOrNull(attempt.tls_us)},
                                  {"first-byte", MicrosOrNull(attempt.first_byte_us)},
                                  {"total", MicrosOrNull(attempt.total_us)}}},
  };
  json::object resource = Identifier("delivery-attempts", std::string(delivery) + "-" + std::to_string(attempt.number));
  resource["attributes"] = std::move(attributes);
  resource["relationships"] = json::object{{"delivery", ToOne(kType, delivery)}};
  return resource;
}

}  // namespace

template <>
const Resource<DeliveryDetail>& Describe() {
  static const Resource<DeliveryDetail> kResource{kType, "Delivery", "/integrations/webhook-deliveries", Attributes(),
                                                  Relationships()};
  return kResource;
}

Result<net::Response> ListDeliveries(Call& call) {
  RB_ASSIGN(auto params, ParseParams(call.request.query, Accepts::kList));
  RB_TRY(CheckNames<DeliveryDetail>(params));
  View view{call.context, call.who(), params};
  RB_ASSIGN(auto page, call.context.store.List<store::Delivery>(call.who(), params.list));
  json::array data;
  for (auto& row : page.items) {
    auto id = base::Format(row.id);
    RB_ASSIGN(auto detail, DetailOf(std::move(row), view));
    data.push_back(Serialize(detail, id, view));
  }
  auto document = ListDocument(std::move(data), view.Link(call.request.path), params, page.total);
  RB_TRY(AddIncluded(document, params, view));
  return DocumentResponse(200, document);
}

Result<net::Response> ReadDelivery(Call& call) {
  RB_ASSIGN(auto id, IdOf(call));
  return DetailDocument(200, id, call);
}

Result<net::Response> ListAttempts(Call& call) {
  RB_TRY(ParseParams(call.request.query, Accepts::kNothing));
  RB_ASSIGN(auto id, IdOf(call));
  RB_ASSIGN(auto attempts, call.context.store.Attempts(call.who(), id));
  json::array data;
  for (const auto& attempt : attempts) data.push_back(ShowAttempt(attempt, call.ids.front()));
  return DocumentResponse(200, {{"data", std::move(data)}});
}

Result<net::Response> ResendDelivery(Call& call) {
  RB_ASSIGN(auto id, IdOf(call));
  RB_TRY(ParseActionInput(call.request.body, {}));
  RB_ASSIGN(auto again, call.context.store.Resend(call.who(), id));
  return DetailDocument(201, again.id, call);
}

}  // namespace serve
