#include <algorithm>
#include <array>
#include <cstring>

#include "store/bodies.h"
#include "store/transition.h"

namespace store {

using base::Principal;
using base::Result;

namespace {

NotFired WhyNot(const Listener& listener, run::EventKind kind) {
  if (!listener.enabled) return NotFired::kWebhookDisabled;
  if ((listener.events >> static_cast<int>(kind) & 1) == 0) return NotFired::kEventNotSelected;
  if (listener.state == EndpointState::kDisabled) return NotFired::kEndpointDisabled;
  return NotFired::kNone;
}

hook::Snapshot SnapshotOf(Writing& w, const Run& run, const Surroundings& here, const std::string& base_url) {
  hook::Snapshot s;
  s.reason = run.facts.reason;
  s.run = run.id;
  s.message = run.message;
  s.source = run.source;
  s.run_url = base_url + "/runs/" + Format(run.id);
  s.status = run.facts.status;
  s.is_destroy = run.facts.is_destroy;
  s.is_dry = run.facts.is_dry;
  s.created_at = run.created_at;
  s.updated_at = w.now;
  if (run.created_by) s.created_by_id = Format(base::UserId{run.created_by.value});
  s.created_by_name = run.created_by_name;
  s.workspace = run.workspace;
  s.workspace_name = here.workspace_name;
  s.workspace_url = base_url + "/workspaces/" + Format(run.workspace);
  s.environment = here.environment;
  s.environment_name = here.environment_name;
  s.environment_url = base_url + "/environments/" + Format(here.environment);
  for (const auto& item : run.variables) {
    const auto* variable = item.if_object();
    if (variable == nullptr || base::BoolAt(item, {"sensitive"}).value_or(false)) continue;
    auto key = base::StringAt(item, {"key"});
    const auto* value = variable->if_contains("value");
    if (key && value != nullptr) s.variables[*key] = *value;
  }
  s.plan = run.plan;
  s.error_summary = run.error_summary;
  return s;
}

void AppendNotFired(std::string& bytes, base::WebhookId webhook, NotFired why) {
  bytes.append(reinterpret_cast<const char*>(&webhook.value), sizeof webhook.value);
  bytes += static_cast<char>(why);
}

void InsertDelivery(Writing& w, base::DeliveryId id, base::EventId event, const Run& run, run::EventKind kind,
                    const Listener& to) {
  w.db.Exec(
      "INSERT INTO deliveries VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0, ?, NULL, ?, 0, NULL, NULL, NULL, "
      "0, 0)",
      id, kAccount, event, run.id, run.workspace, to.webhook, to.endpoint, kind, run.facts.reason, to.form, to.name,
      w.shared.epoch, w.now);
  ++w.unlisted;
  w.sums.Accepted(to.webhook, id, w.now);
  w.committed.waiting.push_back({id, to.endpoint, w.now});
}

}  // namespace

Fired FireEvent(Writing& w, const Run& run, run::EventKind kind, base::EventId previous) {
  Fired fired;
  Surroundings* here = w.caches.SurroundingsOf(w.db, run.workspace);
  if (here == nullptr) return fired;
  fired.event = w.NewId<base::EventId>();
  const int64_t sequence = w.caches.TakeSequence(*here);
  std::string not_fired;
  std::array<bool, 2> wanted{};
  for (const Listener& listener : here->listeners) {
    const NotFired why = WhyNot(listener, kind);
    if (why != NotFired::kNone) {
      AppendNotFired(not_fired, listener.webhook, why);
      continue;
    }
    wanted[static_cast<size_t>(listener.form)] = true;
    InsertDelivery(w, w.NewId<base::DeliveryId>(), fired.event, run, kind, listener);
    ++fired.deliveries;
  }
  std::array<std::optional<std::string>, 2> bodies;
  if (fired.deliveries > 0) {
    hook::Snapshot snapshot = SnapshotOf(w, run, *here, *w.shared.external_url.Lock());
    snapshot.event = fired.event;
    snapshot.sequence = sequence;
    snapshot.kind = kind;
    for (size_t form = 0; form < bodies.size(); ++form) {
      if (wanted[form]) bodies[form] = PackBody(hook::RenderPayload(snapshot, static_cast<hook::PayloadForm>(form)));
    }
  }
  const auto blob = [](const std::optional<std::string>& bytes) {
    return bytes && !bytes->empty() ? std::optional<Blob>(Blob{*bytes}) : std::nullopt;
  };
  w.db.Exec("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", fired.event, kAccount, run.id,
            run.workspace, sequence, kind, run.facts.reason, previous, fired.deliveries, blob(not_fired),
            blob(bodies[0]), blob(bodies[1]));
  w.sums.EventAccepted();
  return fired;
}

Result<std::vector<Event>> ReadEvents(Reading r, const Principal& who, base::RunId id) {
  auto stored = FindRun(r, id);
  if (!stored || !who.May(base::Scope::kRead, {stored->run.environment, stored->run.workspace})) {
    return NotFound("Run", id);
  }
  std::vector<Event> events;
  for (base::EventId at = stored->last_event; at;) {
    Rows rows = r.db.Query("SELECT sequence, kind, reason, previous, fired, not_fired FROM events WHERE id = ?", at);
    if (!rows.Next()) break;
    Event event;
    event.id = at;
    event.run = id;
    event.workspace = stored->run.workspace;
    event.environment = stored->run.environment;
    event.accepted_at = base::TimeOfId(at.value);
    base::EventId previous;
    int64_t fired = 0;
    std::string not_fired;
    rows.Read(event.sequence, event.kind, event.reason, previous, fired, not_fired);
    Rows sent =
        r.db.Query("SELECT id, webhook, webhook_name FROM deliveries WHERE id > ? ORDER BY id LIMIT ?", at, fired);
    while (sent.Next()) {
      Considered& one = event.considered.emplace_back();
      sent.Read(one.delivery, one.webhook, one.webhook_name);
    }
    for (std::string_view rest = not_fired; rest.size() >= 9; rest.remove_prefix(9)) {
      Considered& one = event.considered.emplace_back();
      std::memcpy(&one.webhook.value, rest.data(), sizeof one.webhook.value);
      one.not_fired = static_cast<NotFired>(rest[8]);
      Rows name = r.db.Query("SELECT name FROM webhooks WHERE id = ?", one.webhook);
      if (name.Next()) name.Read(one.webhook_name);
    }
    std::sort(event.considered.begin(), event.considered.end(),
              [](const Considered& a, const Considered& b) { return a.webhook < b.webhook; });
    events.push_back(std::move(event));
    at = previous;
  }
  std::reverse(events.begin(), events.end());
  return events;
}

}  // namespace store
