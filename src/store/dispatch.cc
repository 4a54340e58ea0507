// The dispatcher's side of deliveries. The epoch is the fence: a delivery belongs to the process whose epoch it bears,
// and what any other process sends about it is not recorded.
#include <algorithm>

#include "store/attempts.h"
#include "store/bodies.h"
#include "store/deliveries.h"

namespace store {

using base::Principal;
using base::Result;

Result<std::vector<base::DeliveryId>> ReadUnclaimed(Reading r, base::DeliveryId after) {
  std::vector<base::DeliveryId> ids;
  Rows rows = r.db.Query(
      "SELECT id FROM deliveries INDEXED BY waiting_deliveries WHERE status = 0 AND id > ? AND epoch <> ? "
      "ORDER BY id",
      after, r.shared.epoch);
  while (rows.Next()) ids.push_back(rows.Get<base::DeliveryId>(0));
  return ids;
}

Result<std::vector<Waiting>> ClaimWaiting(Writing& w, const std::vector<base::DeliveryId>& ids) {
  std::vector<Waiting> claimed;
  for (base::DeliveryId id : ids) {
    Waiting one{id, {}, {}};
    {
      Rows rows = w.db.Query("SELECT endpoint, due FROM deliveries WHERE id = ? AND status = 0", id);
      if (!rows.Next()) continue;
      rows.Read(one.endpoint, one.due);
    }
    w.db.Exec("UPDATE deliveries SET epoch = ? WHERE id = ?", w.shared.epoch, id);
    claimed.push_back(one);
  }
  return claimed;
}

Result<std::vector<Loaded>> ReadLoaded(Reading r, const std::vector<base::DeliveryId>& ids) {
  std::vector<Loaded> loaded;
  loaded.reserve(ids.size());
  for (base::DeliveryId id : ids) {
    Rows rows = r.db.Query(
        "SELECT d.endpoint, d.attempts, d.attempts_made, d.own_faults, d.webhook, d.webhook_name, CASE d.form WHEN 0 "
        "THEN "
        "e.body ELSE e.body_hyphen END FROM deliveries d JOIN events e ON e.id = d.event WHERE d.id = ? AND d.status = "
        "0 "
        "AND d.epoch = ?",
        id, r.shared.epoch);
    if (!rows.Next()) continue;
    Loaded one;
    one.id = id;
    base::WebhookId webhook;
    std::string webhook_name, packed;
    rows.Read(one.endpoint, one.attempts_used, one.attempts_made, one.own_faults, webhook, webhook_name, packed);
    auto body = UnpackBody(packed, webhook, webhook_name);
    if (body) {
      one.body = std::move(*body);
    } else {
      one.unreadable = std::move(body).error().In("the stored body of delivery " + Format(id));
    }
    loaded.push_back(std::move(one));
  }
  return loaded;
}

std::optional<base::WallTime> ReadOldestDue(Reading r) {
  // One step into the index per endpoint, rather than all that waits.
  Rows rows = r.db.Query(
      "SELECT min(oldest) FROM (SELECT (SELECT min(d.due) FROM deliveries d WHERE d.endpoint = p.id AND d.status = 0) "
      "AS "
      "oldest FROM endpoints p WHERE p.deleted_at IS NULL)");
  if (!rows.Next()) return std::nullopt;
  return rows.Get<std::optional<base::WallTime>>(0);
}

namespace {

struct Held {
  base::DeliveryId id;
  base::EndpointId endpoint;
  base::WebhookId webhook;
  base::RunId run;
  DeliveryStatus status = DeliveryStatus::kPending;
  int64_t epoch = 0;
  int attempts_made = 0, own_faults = 0;
  int64_t last_attempt = 0;
  hook::Why why = hook::Why::kNone;
  std::optional<base::WallTime> due;
};

std::optional<Held> FindHeld(Db& db, base::DeliveryId id) {
  Rows rows = db.Query(
      "SELECT endpoint, webhook, run, status, epoch, attempts_made, own_faults, last_attempt, why, due FROM deliveries "
      "WHERE id = ?",
      id);
  if (!rows.Next()) return std::nullopt;
  Held held;
  held.id = id;
  rows.Read(held.endpoint, held.webhook, held.run, held.status, held.epoch, held.attempts_made, held.own_faults,
            held.last_attempt, held.why, held.due);
  return held;
}

DeliveryStatus StatusAfter(hook::Verb verb) {
  switch (verb) {
    case hook::Verb::kDelivered: return DeliveryStatus::kCompleted;
    case hook::Verb::kRetry: return DeliveryStatus::kPending;
    case hook::Verb::kGiveUp: return DeliveryStatus::kFailed;
  }
  return DeliveryStatus::kFailed;
}

Action ActionOf(DeliveryStatus status) {
  switch (status) {
    case DeliveryStatus::kPending: return Action::kDeliveryRetry;
    case DeliveryStatus::kCompleted: return Action::kDelivered;
    case DeliveryStatus::kFailed: return Action::kDeliveryFailed;
  }
  return Action::kDeliveryFailed;
}

std::string DetailOf(const Attempt& attempt) {
  if (attempt.decision.verb == hook::Verb::kDelivered) return {};
  return std::string(Name(attempt.outcome)) + ", " + std::string(Name(attempt.decision.why));
}

void DisableEndpoint(Writing& w, base::EndpointId id, Health& health) {
  if (health.state == EndpointState::kDisabled) return;
  const base::Place place = health.place;
  w.db.Exec("UPDATE endpoints SET state = ?, state_reason = 'gone', updated_at = ? WHERE id = ?",
            EndpointState::kDisabled, w.now, id);
  FailWaiting(w, Principal::System(), "endpoint = ?", id.value, hook::Why::kEndpointDisabled);
  w.Note(Principal::System(), {Action::kEndpointDisabled, id.value, {}, place, "gone"});
  w.committed.endpoints.push_back(id);
  w.committed.dropped.push_back(id);
  w.ResourcesChanged();
}

void RecordHealth(Writing& w, base::EndpointId id, const Attempt& attempt) {
  Health* health = w.caches.HealthOf(w.db, id);
  if (health == nullptr) return;
  if (attempt.outcome != hook::Outcome::kOwnFault) {
    const int failures = attempt.outcome == hook::Outcome::kDelivered ? 0 : health->failures_in_a_row + 1;
    if (failures != health->failures_in_a_row) {
      health->failures_in_a_row = failures;
      w.db.Exec("UPDATE endpoints SET failures_in_a_row = ? WHERE id = ?", failures, id);
    }
  }
  if (attempt.decision.pause_endpoint) {
    w.db.Exec("UPDATE endpoints SET held_until = ? WHERE id = ?", *attempt.decision.pause_endpoint, id);
    w.Note(Principal::System(), {Action::kEndpointHeld, id.value, {}, health->place, {}});
    w.committed.endpoints.push_back(id);
  }
  if (attempt.decision.disable_endpoint) DisableEndpoint(w, id, *health);
}

// False when this process holds the delivery no longer, or recorded the attempt before.
bool RecordOne(Writing& w, const AttemptRecord& record) {
  auto held = FindHeld(w.db, record.id);
  if (!held || held->epoch != w.shared.epoch) return false;
  const Attempt& attempt = record.attempt;
  if (attempt.number != 0 && attempt.number <= held->attempts_made) return false;
  const int64_t row = InsertAttempt(w, held->id, held->last_attempt, held->attempts_made + 1, attempt);

  // It was failed while the attempt was under way: only having arrived changes that.
  const bool overtaken = held->status == DeliveryStatus::kFailed && attempt.decision.verb != hook::Verb::kDelivered;
  const DeliveryStatus status = overtaken ? held->status : StatusAfter(attempt.decision.verb);
  const hook::Why why = overtaken ? held->why : attempt.decision.why;
  std::optional<base::WallTime> due;
  if (status == DeliveryStatus::kPending) due = attempt.decision.retry_at;
  w.db.Exec(
      "UPDATE deliveries SET status = ?, why = ?, attempts = ?, attempts_made = attempts_made + 1, own_faults = ?, due "
      "= ?, "
      "last_attempt = ?, last_attempt_at = ?, outcome = ?, response_code = ? WHERE id = ?",
      status, why, attempt.decision.attempts_used,
      attempt.outcome == hook::Outcome::kOwnFault ? held->own_faults + 1 : 0, due, row, attempt.started_at,
      attempt.outcome, attempt.response_code, held->id);
  w.sums.Moved(held->webhook, held->id, held->status, status);
  if (!overtaken) w.Note(Principal::System(), {ActionOf(status), held->id.value, held->run, {}, DetailOf(attempt)});
  if (due) w.committed.waiting.push_back({held->id, held->endpoint, *due});
  RecordHealth(w, held->endpoint, attempt);
  return true;
}

}  // namespace

Result<int> RecordAttempts(Writing& w, const std::vector<AttemptRecord>& records) {
  int lost = 0;
  for (const AttemptRecord& record : records) lost += !RecordOne(w, record);
  return lost;
}

}  // namespace store
