#include "store/deliveries.h"

#include <limits>

#include "store/attempts.h"
#include "store/bodies.h"
#include "store/visible.h"

namespace store {

using base::Code;
using base::Error;
using base::Principal;
using base::Result;
using base::Scope;
using base::Status;

namespace {

std::optional<int64_t> StatusNumber(std::string_view text) {
  for (auto status : {DeliveryStatus::kPending, DeliveryStatus::kCompleted, DeliveryStatus::kFailed}) {
    if (Name(status) == text) return static_cast<int64_t>(status);
  }
  return std::nullopt;
}
std::optional<int64_t> EventNumber(std::string_view text) {
  auto kind = run::ParseEventKind(text);
  return kind ? std::optional<int64_t>(static_cast<int64_t>(*kind)) : std::nullopt;
}
std::optional<int64_t> ReasonNumber(std::string_view text) {
  auto reason = run::ParseReason(text);
  return reason ? std::optional<int64_t>(static_cast<int64_t>(*reason)) : std::nullopt;
}
std::optional<int64_t> WhyNumber(std::string_view text) {
  auto why = hook::ParseWhy(text);
  return why ? std::optional<int64_t>(static_cast<int64_t>(*why)) : std::nullopt;
}
std::optional<int64_t> OutcomeNumber(std::string_view text) {
  auto outcome = hook::ParseOutcome(text);
  return outcome ? std::optional<int64_t>(static_cast<int64_t>(*outcome)) : std::nullopt;
}

constexpr std::string_view kOfOwners = "d.id IN (SELECT delivery FROM deliveries_of WHERE owner IN ({}))";
constexpr std::string_view kOfEnvironments =
    "d.id IN (SELECT delivery FROM deliveries_of WHERE owner IN (SELECT id FROM workspaces WHERE environment IN ({})))";

constexpr Field kFields[] = {
    {"status", Field::Kind::kName, "d.status", true, true, {}, StatusNumber},
    {"response-code", Field::Kind::kNumber, "d.response_code", true, true},
    {"webhook-integration", Field::Kind::kId, kOfOwners, true, false, "wh-"},
    {"webhook", Field::Kind::kId, kOfOwners, true, false, "wh-"},
    {"webhook", Field::Kind::kId, "d.webhook", false, true, "wh-"},
    {"endpoint", Field::Kind::kId, "d.endpoint", true, false, "ep-"},
    {"environment", Field::Kind::kId, kOfEnvironments, true, false, "env-"},
    {"workspace", Field::Kind::kId, kOfOwners, true, false, "ws-"},
    {"run", Field::Kind::kId, "d.run", true, true, "run-"},
    {"account", Field::Kind::kAccount, "d.account", true, false},
    {"event", Field::Kind::kName, "d.kind", true, true, {}, EventNumber},
    {"reason", Field::Kind::kName, "d.reason", true, false, {}, ReasonNumber},
    {"decision", Field::Kind::kName, "d.why", true, false, {}, WhyNumber},
    {"outcome", Field::Kind::kName, "d.outcome", true, false, {}, OutcomeNumber},
    {"resend-of", Field::Kind::kId, "d.resend_of", true, false, "wd-"},
    {"triggered-at", Field::Kind::kIdTime, "d.id", true, true},
};
constexpr ListTable kTable = {
    .columns =
        "d.id, d.event, d.kind, d.reason, d.webhook, d.webhook_name, d.endpoint, w.environment, d.workspace, d.run, "
        "d.status, d.why, d.attempts, d.last_attempt_at, d.due, d.outcome, nullif(d.response_code, 0), d.resend_of, "
        "d.triggered_by",
    .from = "deliveries d JOIN workspaces w ON w.id = d.workspace",
    .id = "d.id",
    .prefix = "wd-",
    .live = "",
    .search = "d.webhook_name",
    .fields = kFields,
};

Delivery ReadRow(Rows& rows) {
  Delivery d;
  rows.Read(d.id, d.event, d.kind, d.reason, d.webhook, d.webhook_name, d.endpoint, d.environment, d.workspace, d.run,
            d.status, d.why, d.attempts, d.last_attempt_at, d.next_attempt_at, d.outcome, d.response_code, d.resend_of,
            d.triggered_by);
  d.triggered_at = base::TimeOfId(d.id.value);
  return d;
}

std::string Sight(const Principal& who) { return Visible(who).Either("w.environment", "d.workspace"); }

struct StoredBody {
  std::optional<std::string> packed;  // none: purged
  int64_t last_attempt = 0;
};
StoredBody FindBody(Db& db, base::DeliveryId id) {
  StoredBody body;
  Rows rows = db.Query(
      "SELECT CASE d.form WHEN 0 THEN e.body ELSE e.body_hyphen END, d.last_attempt FROM deliveries d JOIN events e ON "
      "e.id "
      "= d.event WHERE d.id = ?",
      id);
  if (rows.Next()) rows.Read(body.packed, body.last_attempt);
  return body;
}

struct Destination {
  base::EndpointId endpoint;
  bool enabled = false;
  EndpointState state = EndpointState::kActive;
};
Result<Destination> FindDestination(Db& db, base::WebhookId webhook) {
  Rows rows = db.Query(
      "SELECT h.endpoint, h.enabled, p.state FROM webhooks h JOIN endpoints p ON p.id = h.endpoint WHERE h.id = ? AND "
      "h.deleted_at IS NULL AND p.deleted_at IS NULL",
      webhook);
  if (!rows.Next()) return Error(Code::kConflict, "the webhook of this delivery was deleted");
  Destination to;
  rows.Read(to.endpoint, to.enabled, to.state);
  if (!to.enabled) return Error(Code::kConflict, "the webhook of this delivery is disabled");
  if (to.state == EndpointState::kDisabled) return Error(Code::kConflict, "the webhook's endpoint is disabled");
  return to;
}

// Custom headers are the endpoint's; who may read an inherited delivery need not be one who may read them.
bool MayReadEndpoint(Db& db, const Principal& who, base::EndpointId id) {
  base::Place place;
  Rows rows = db.Query("SELECT environment, workspace FROM endpoints WHERE id = ?", id);
  if (rows.Next()) rows.Read(place.environment, place.workspace);
  return who.May(Scope::kRead, place);
}

Result<std::vector<Attempt>> ReadSeenAttempts(Db& db, const Principal& who, const Delivery& delivery, int64_t last,
                                              size_t limit) {
  RB_ASSIGN(auto attempts, ReadAttempts(db, delivery.id, last, limit));
  if (attempts.empty() || MayReadEndpoint(db, who, delivery.endpoint)) return attempts;
  for (Attempt& attempt : attempts) attempt.request_headers = hook::HideCustomHeaderLines(attempt.request_headers);
  return attempts;
}

}  // namespace

Result<Delivery> GetRow(Reading r, const Principal& who, base::DeliveryId id) {
  auto row = ReadOne(r.db, kTable, id.value, Sight(who), ReadRow);
  if (!row) return NotFound("Delivery", id);
  return std::move(*row);
}

Status ListRows(Reading r, const Principal& who, const Query& query, Page<Delivery>& out) {
  RB_ASSIGN(out, ReadPage(r.db, kTable, query, r.shared.account.id, Sight(who), ReadRow));
  return {};
}

Result<DeliveryDetail> ReadDetail(Reading r, const Principal& who, base::DeliveryId id) {
  DeliveryDetail detail;
  RB_ASSIGN(detail.delivery, GetRow(r, who, id));
  const StoredBody body = FindBody(r.db, id);
  detail.purged = !body.packed;
  if (body.packed) {
    RB_ASSIGN(detail.body, UnpackBody(*body.packed, detail.delivery.webhook, detail.delivery.webhook_name));
  }
  RB_ASSIGN(auto attempts, ReadSeenAttempts(r.db, who, detail.delivery, body.last_attempt, 1));
  if (!attempts.empty()) detail.last_attempt = std::move(attempts.back());
  return detail;
}

Result<std::vector<Attempt>> ReadAllAttempts(Reading r, const Principal& who, base::DeliveryId id) {
  RB_ASSIGN(const Delivery delivery, GetRow(r, who, id));
  return ReadSeenAttempts(r.db, who, delivery, FindBody(r.db, id).last_attempt, std::numeric_limits<size_t>::max());
}

Result<Delivery> ResendDelivery(Writing& w, const Principal& who, base::DeliveryId id) {
  RB_ASSIGN(const Delivery first, GetRow({w.db, w.shared}, who, id));
  if (!who.May(Scope::kWrite, {first.environment, first.workspace})) return Denied("send deliveries again");
  if (!FindBody(w.db, id).packed) return Error(Code::kGone, "expired: the body of this delivery was removed");
  RB_ASSIGN(const Destination to, FindDestination(w.db, first.webhook));
  const auto again = w.NewId<base::DeliveryId>();
  w.db.Exec(
      "INSERT INTO deliveries SELECT ?, account, event, run, workspace, webhook, ?, kind, reason, form, webhook_name, "
      "0, 0, "
      "0, 0, 0, ?, NULL, ?, 0, NULL, NULL, NULL, ?, ? FROM deliveries WHERE id = ?",
      again, to.endpoint, w.shared.epoch, w.now, first.resend_of ? first.resend_of : id, who.token, id);
  ++w.unlisted;
  w.sums.Accepted(first.webhook, again, w.now);
  w.committed.waiting.push_back({again, to.endpoint, w.now});
  w.Note(who, {Action::kDeliveryResent, again.value, first.run, {}, Format(id)});
  return GetRow({w.db, w.shared}, who, again);
}

void ListDeliveries(Writing& w) {
  constexpr int kAtOnce = 1000;
  if (w.unlisted < kAtOnce) return;
  w.unlisted = 0;
  w.db.Exec(
      "INSERT INTO delivery_lists SELECT webhook AS owner, id FROM deliveries WHERE id > (SELECT value FROM meta WHERE "
      "name = 'listed to') UNION ALL SELECT workspace, id FROM deliveries WHERE id > (SELECT value FROM meta WHERE "
      "name = 'listed to') ORDER BY owner, id");
  w.db.Exec("UPDATE meta SET value = (SELECT max(id) FROM deliveries) WHERE name = 'listed to'");
}

Result<std::vector<WebhookStatistics>> ReadStatistics(Reading r, const Principal& who,
                                                      const std::vector<base::WebhookId>& ids) {
  const auto hour = std::chrono::floor<std::chrono::hours>(r.shared.clock.Now()).time_since_epoch().count();
  std::vector<WebhookStatistics> all;
  for (base::WebhookId id : ids) {
    RB_ASSIGN(const Webhook webhook, GetRow(r, who, id));
    WebhookStatistics& one = all.emplace_back();
    one.webhook = id;
    Rows rows =
        r.db.Query("SELECT hour, accepted, delivered, failed FROM webhook_hours WHERE webhook = ? AND hour >= ?", id,
                   hour - 7 * 24);
    while (rows.Next()) {
      int64_t of = 0, accepted = 0, delivered = 0, failed = 0;
      rows.Read(of, accepted, delivered, failed);
      const auto add = [&](WebhookStatistics::Span& span, int64_t hours) {
        if (of < hour - hours) return;
        span.total += accepted;
        span.delivered += delivered;
        span.failed += failed;
      };
      add(one.last_hour, 1);
      add(one.last_day, 24);
      add(one.last_week, 7 * 24);
    }
  }
  return all;
}

}  // namespace store
