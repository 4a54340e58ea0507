#include "store/writing.h"

#include <utility>

namespace store {

using base::Code;
using base::Error;
using base::Principal;
using base::WallTime;

namespace {

constexpr size_t kMaxCached = 10'000;

// With what applies to a workspace: its own, its environment's and the shared ones.
constexpr const char* kListeners = R"sql(
SELECT h.id, h.name, h.enabled, h.events, h.endpoint, p.state, p.form
FROM webhooks h JOIN endpoints p ON p.id = h.endpoint
WHERE h.deleted_at IS NULL AND (h.reach = 2 OR (h.reach = 0 AND h.workspace = ?1) OR
  (h.reach = 1 AND EXISTS (SELECT 1 FROM webhook_environments e WHERE e.environment = ?2 AND e.webhook = h.id)))
ORDER BY h.id)sql";
static_assert(static_cast<int>(Reach::kWorkspace) == 0 && static_cast<int>(Reach::kShared) == 2);

void Add(Totals& totals, DeliveryStatus status, int64_t by) {
  switch (status) {
    case DeliveryStatus::kPending: totals.waiting += by; return;
    case DeliveryStatus::kCompleted: totals.delivered += by; return;
    case DeliveryStatus::kFailed: totals.failed += by; return;
  }
}

}  // namespace

// ---- Sums ----

Sums::Hour& Sums::HourOf(base::WebhookId webhook, base::DeliveryId delivery) {
  auto hour = std::chrono::floor<std::chrono::hours>(base::TimeOfId(delivery.value)).time_since_epoch().count();
  return hours_[{webhook.value, hour}];
}

void Sums::Accepted(base::WebhookId webhook, base::DeliveryId delivery, WallTime now) {
  ++totals_.accepted;
  ++totals_.waiting;
  ++HourOf(webhook, delivery).accepted;
  triggered_[webhook] = now;
}

void Sums::Moved(base::WebhookId webhook, base::DeliveryId delivery, DeliveryStatus from, DeliveryStatus to) {
  if (from == to) return;
  Add(totals_, from, -1);
  Add(totals_, to, 1);
  Hour& hour = HourOf(webhook, delivery);
  hour.delivered += (to == DeliveryStatus::kCompleted) - (from == DeliveryStatus::kCompleted);
  hour.failed += (to == DeliveryStatus::kFailed) - (from == DeliveryStatus::kFailed);
}

void Sums::Write(Db& db) {
  for (const auto& [key, hour] : hours_) {
    db.Exec(
        "INSERT INTO webhook_hours VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET accepted = accepted + "
        "excluded.accepted, delivered = delivered + excluded.delivered, failed = failed + excluded.failed",
        key.first, key.second, hour.accepted, hour.delivered, hour.failed);
  }
  for (const auto& [webhook, at] : triggered_) {
    db.Exec("UPDATE webhooks SET last_triggered_at = ? WHERE id = ?", at, webhook);
  }
  const Totals& t = totals_;
  if (t.events != 0 || t.accepted != 0 || t.delivered != 0 || t.waiting != 0 || t.failed != 0) {
    db.Exec(
        "UPDATE totals SET events = events + ?, accepted = accepted + ?, delivered = delivered + ?, waiting = waiting "
        "+ "
        "?, failed = failed + ? WHERE account = ?",
        t.events, t.accepted, t.delivered, t.waiting, t.failed, kAccount);
  }
  *this = Sums();
}

// ---- Caches ----

Surroundings* Caches::SurroundingsOf(Db& db, base::WorkspaceId id) {
  if (auto found = surroundings_.find(id); found != surroundings_.end()) {
    return &found->second;
  }
  if (surroundings_.size() >= kMaxCached) {
    Write(db);
    surroundings_.clear();
  }
  Surroundings here;
  here.workspace = id;
  {
    Rows rows = db.Query(
        "SELECT w.environment, w.name, e.name, w.next_sequence FROM workspaces w JOIN environments e ON e.id = "
        "w.environment WHERE w.id = ? AND w.deleted_at IS NULL",
        id);
    if (!rows.Next()) return nullptr;
    rows.Read(here.environment, here.workspace_name, here.environment_name, here.next_sequence);
  }
  Rows rows = db.Query(kListeners, id, here.environment);
  while (rows.Next()) {
    Listener& one = here.listeners.emplace_back();
    rows.Read(one.webhook, one.name, one.enabled, one.events, one.endpoint, one.state, one.form);
  }
  return &surroundings_.emplace(id, std::move(here)).first->second;
}

Health* Caches::HealthOf(Db& db, base::EndpointId id) {
  if (auto found = health_.find(id); found != health_.end()) return &found->second;
  if (health_.size() >= kMaxCached) health_.clear();
  Rows rows = db.Query("SELECT environment, workspace, state, failures_in_a_row FROM endpoints WHERE id = ?", id);
  if (!rows.Next()) return nullptr;
  Health health;
  rows.Read(health.place.environment, health.place.workspace, health.state, health.failures_in_a_row);
  return &health_.emplace(id, health).first->second;
}

int64_t Caches::TakeSequence(Surroundings& here) {
  if (!std::exchange(here.sequence_taken, true)) taken_.push_back(here.workspace);
  return here.next_sequence++;
}

void Caches::Write(Db& db) {
  for (base::WorkspaceId id : taken_) {
    Surroundings& here = surroundings_.at(id);
    here.sequence_taken = false;
    db.Exec("UPDATE workspaces SET next_sequence = ? WHERE id = ?", here.next_sequence, id);
  }
  taken_.clear();
}

void Caches::Clear() {
  surroundings_.clear();
  taken_.clear();
  health_.clear();
}

// ---- Writing ----

void Writing::Note(const Principal& who, const NewChange& change) {
  const auto unless = [](bool absent, int64_t id) { return absent ? std::nullopt : std::optional<int64_t>(id); };
  const bool of_run = static_cast<bool>(change.run);
  db.Exec("INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", ++last_change, kAccount, now, change.action,
          unless(change.target == 0, change.target), unless(!of_run, change.run.value), who.token,
          unless(of_run, change.place.environment.value), unless(of_run, change.place.workspace.value),
          change.detail.empty() ? std::nullopt : std::optional<std::string_view>(change.detail));
  committed.last_change = last_change;
}

void Writing::Return(const Mark& mark) {
  last_change = mark.last_change;
  committed = mark.committed;
  sums = mark.sums;
  tokens_changed = mark.tokens_changed;
  caches.Clear();
}

void Writing::ResourcesChanged() {
  caches.Write(db);
  caches.Clear();
}

int FailWaiting(Writing& w, const Principal& who, const std::string& where, int64_t value, hook::Why why) {
  struct Row {
    base::DeliveryId id;
    base::WebhookId webhook;
    base::RunId run;
  };
  std::vector<Row> waiting;
  {
    Rows rows = w.db.QueryText(
        "SELECT id, webhook, run FROM deliveries INDEXED BY waiting_deliveries WHERE status = 0 AND " + where,
        {Value(value)});
    while (rows.Next()) {
      Row& row = waiting.emplace_back();
      rows.Read(row.id, row.webhook, row.run);
    }
  }
  for (const Row& row : waiting) {
    w.db.Exec("UPDATE deliveries SET status = ?, why = ?, due = NULL WHERE id = ?", DeliveryStatus::kFailed, why,
              row.id);
    w.sums.Moved(row.webhook, row.id, DeliveryStatus::kPending, DeliveryStatus::kFailed);
    w.Note(who, {Action::kDeliveryFailed, row.id.value, row.run, {}, std::string(Name(why))});
  }
  return static_cast<int>(waiting.size());
}

Error NotFoundError(std::string_view what, const std::string& id) {
  return {Code::kNotFound, std::string(what) + " with ID '" + id + "' not found or user unauthorized."};
}

Error Denied(std::string_view doing) { return {Code::kDenied, "the token may not " + std::string(doing) + " here"}; }

}  // namespace store
