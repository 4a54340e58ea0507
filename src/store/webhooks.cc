#include <algorithm>

#include "store/resources.h"
#include "store/visible.h"

namespace store {

using base::Place;
using base::Principal;
using base::Result;
using base::Scope;
using base::Status;

namespace {

std::optional<int64_t> EventBit(std::string_view name) {
  auto kind = run::ParseEventKind(name);
  if (!kind) return std::nullopt;
  return int64_t{1} << static_cast<int>(*kind);
}

// An environment's list holds what its workspaces hear: its own webhooks, those of its workspaces, the shared ones.
constexpr Field kFields[] = {
    {"enabled", Field::Kind::kFlag, "h.enabled", true, false},
    {"event",
     Field::Kind::kName,
     "EXISTS (SELECT 1 FROM (SELECT 1 AS bit UNION SELECT 2 UNION SELECT 4) WHERE h.events & bit AND bit IN ({}))",
     true,
     false,
     {},
     EventBit},
    {"workspace", Field::Kind::kId, "h.reach = 0 AND h.workspace IN ({})", true, false, "ws-"},
    {"environment", Field::Kind::kId,
     "EXISTS (SELECT 1 FROM environments v WHERE v.id IN ({}) AND (h.reach = 2 OR (h.reach = 0 AND h.workspace IN "
     "(SELECT id FROM workspaces WHERE environment = v.id)) OR (h.reach = 1 AND EXISTS (SELECT 1 FROM "
     "webhook_environments e WHERE e.environment = v.id AND e.webhook = h.id))))",
     true, false, "env-"},
    {"account", Field::Kind::kAccount, "h.account", true, false},
    {"endpoint", Field::Kind::kId, "h.endpoint", true, false, "ep-"},
    {"name", Field::Kind::kText, "h.name", true, true},
    {"created-at", Field::Kind::kTime, "h.created_at", true, true},
    {"last-triggered-at", Field::Kind::kTime, "h.last_triggered_at", false, true},
};
constexpr ListTable kTable = {
    .columns =
        "h.id, h.name, h.enabled, h.endpoint, h.events, h.reach, h.workspace, "
        "CASE h.reach WHEN 0 THEN (SELECT w.environment FROM workspaces w WHERE w.id = h.workspace) ELSE "
        "(SELECT group_concat(e.environment) FROM webhook_environments e WHERE e.webhook = h.id) END, "
        "h.last_triggered_at, h.created_at, h.updated_at",
    .from = "webhooks h",
    .id = "h.id",
    .prefix = "wh-",
    .live = "h.deleted_at IS NULL",
    .search = "h.name",
    .fields = kFields,
};

std::vector<base::EnvironmentId> ParseEnvironments(std::string_view list) {
  std::vector<base::EnvironmentId> ids;
  while (!list.empty()) {
    size_t comma = std::min(list.find(','), list.size());
    int64_t id = 0;
    for (char c : list.substr(0, comma)) id = id * 10 + (c - '0');
    ids.push_back({id});
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

int64_t EventBits(const std::vector<run::EventKind>& events) {
  int64_t bits = 0;
  for (auto kind : events) bits |= int64_t{1} << static_cast<int>(kind);
  return bits;
}

Webhook ReadRow(Rows& rows) {
  Webhook h;
  int64_t events = 0;
  std::string environments;
  rows.Read(h.id, h.name, h.enabled, h.endpoint, events, h.reach, h.workspace, environments, h.last_triggered_at,
            h.created_at, h.updated_at);
  for (auto kind : run::kAllEvents) {
    if (events & int64_t{1} << static_cast<int>(kind)) h.events.push_back(kind);
  }
  h.environments = ParseEnvironments(environments);
  return h;
}

// Covered in its workspace, or in any of its environments.
std::string Sight(const Principal& who) {
  const Visible visible(who);
  if (visible.all()) return "1";
  return "(CASE h.reach WHEN 0 THEN " +
         visible.Either("(SELECT w.environment FROM workspaces w WHERE w.id = h.workspace)", "h.workspace") +
         " WHEN 1 THEN EXISTS (SELECT 1 FROM webhook_environments e WHERE e.webhook = h.id AND " +
         visible.Environment("e.environment") + ") ELSE 0 END)";
}

bool MayWrite(const Principal& who, const Webhook& h) {
  const auto places = PlacesOf(h);
  return std::all_of(places.begin(), places.end(), [&](const Place& place) { return who.May(Scope::kWrite, place); });
}

Status CheckPlaces(Db& db, const Principal& who, Webhook& h) {
  if (h.reach == Reach::kWorkspace) {
    Place place{h.environments.size() == 1 ? h.environments.front() : base::EnvironmentId(), h.workspace};
    if (!h.workspace) return InvalidRelationship("workspace", "is required");
    RB_TRY(ResolvePlace(db, who, place));
    h.environments = {place.environment};
    return {};
  }
  h.workspace = {};
  if (h.reach == Reach::kShared) h.environments.clear();
  std::sort(h.environments.begin(), h.environments.end());
  h.environments.erase(std::unique(h.environments.begin(), h.environments.end()), h.environments.end());
  for (auto environment : h.environments) {
    Place place{environment, {}};
    RB_TRY(ResolvePlace(db, who, place));
  }
  return {};
}

Status CheckEndpoint(Db& db, const Principal& who, const Webhook& h) {
  if (!h.endpoint) return InvalidRelationship("endpoint", "is required");
  Rows rows = db.Query("SELECT environment, workspace FROM endpoints WHERE id = ? AND deleted_at IS NULL", h.endpoint);
  Place at;
  const bool lives = rows.Next();
  if (lives) rows.Read(at.environment, at.workspace);
  if (!lives || !who.May(Scope::kRead, at)) {
    return InvalidRelationship("endpoint", NotFound("Endpoint", h.endpoint).message);
  }
  const auto places = PlacesOf(h);
  if (!std::all_of(places.begin(), places.end(), [&](const Place& place) { return at.Covers(place); })) {
    return InvalidRelationship("endpoint", "the endpoint belongs to another environment or workspace than the webhook");
  }
  return {};
}

bool IsTaken(Db& db, const Webhook& h) {
  if (h.reach != Reach::kEnvironments) {
    return db.Number(
               "SELECT 1 FROM webhooks WHERE account = ? AND reach = ? AND workspace = ? AND name = ? AND id <> ? AND "
               "deleted_at IS NULL",
               kAccount, h.reach, h.workspace, h.name, h.id) != 0;
  }
  return std::any_of(h.environments.begin(), h.environments.end(), [&](base::EnvironmentId environment) {
    return db.Number(
               "SELECT 1 FROM webhook_environments e JOIN webhooks h ON h.id = e.webhook WHERE e.environment = ? AND "
               "h.reach = 1 AND h.name = ? AND h.id <> ? AND h.deleted_at IS NULL",
               environment, h.name, h.id) != 0;
  });
}

Status Check(Db& db, const Principal& who, Webhook& h) {
  RB_TRY(CheckName(h.name));
  RB_TRY(CheckPlaces(db, who, h));
  if (!MayWrite(who, h)) return Denied("write webhooks");
  RB_TRY(CheckEndpoint(db, who, h));
  if (IsTaken(db, h)) return NameTaken("webhook");
  return {};
}

// The one place under which a change of the webhook shows in the feed.
Place ShownAt(const Webhook& h) {
  const auto places = PlacesOf(h);
  return places.size() == 1 ? places.front() : Place();
}

void WriteEnvironments(Db& db, const Webhook& h) {
  db.Exec("DELETE FROM webhook_environments WHERE webhook = ?", h.id);
  if (h.reach != Reach::kEnvironments) return;
  for (auto environment : h.environments) db.Exec("INSERT INTO webhook_environments VALUES (?, ?)", environment, h.id);
}

}  // namespace

std::vector<Place> PlacesOf(const Webhook& h) {
  std::vector<Place> places;
  if (h.reach == Reach::kWorkspace) {
    places.push_back({h.environments.empty() ? base::EnvironmentId() : h.environments.front(), h.workspace});
  } else {
    for (auto environment : h.environments) places.push_back({environment, {}});
  }
  if (places.empty()) places.emplace_back();
  return places;
}

Result<Webhook> GetRow(Reading r, const Principal& who, base::WebhookId id) {
  auto row = ReadOne(r.db, kTable, id.value, Sight(who), ReadRow);
  if (!row) return NotFound("Webhook", id);
  return std::move(*row);
}

Status ListRows(Reading r, const Principal& who, const Query& query, Page<Webhook>& out) {
  RB_ASSIGN(out, ReadPage(r.db, kTable, query, r.shared.account.id, Sight(who), ReadRow));
  return {};
}

Result<std::vector<EffectiveWebhook>> ReadEffective(Reading r, const Principal& who, base::WorkspaceId id) {
  RB_ASSIGN(const Workspace workspace, GetRow(r, who, id));
  std::vector<EffectiveWebhook> effective;
  Rows rows = r.db.QueryText("SELECT " + std::string(kTable.columns) +
                                 " FROM webhooks h WHERE h.deleted_at IS NULL AND (h.reach = 2 OR (h.reach = 0 AND "
                                 "h.workspace = ?1) OR (h.reach = 1 AND EXISTS (SELECT 1 FROM webhook_environments e "
                                 "WHERE e.environment = ?2 AND e.webhook = h.id))) ORDER BY h.id",
                             {Value(id.value), Value(workspace.environment.value)});
  while (rows.Next()) {
    EffectiveWebhook one{ReadRow(rows), false};
    one.inherited = one.webhook.reach != Reach::kWorkspace;
    effective.push_back(std::move(one));
  }
  return effective;
}

Result<Webhook> CreateRow(Writing& w, const Principal& who, Webhook h) {
  h.id = {};
  RB_TRY(Check(w.db, who, h));
  h.id = w.NewId<base::WebhookId>();
  h.last_triggered_at.reset();
  h.created_at = h.updated_at = w.now;
  w.db.Exec("INSERT INTO webhooks VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, NULL)", h.id, kAccount, h.name, h.enabled,
            h.endpoint, EventBits(h.events), h.reach, h.workspace, h.created_at, h.updated_at);
  WriteEnvironments(w.db, h);
  w.Note(who, {Action::kWebhookCreated, h.id.value, {}, ShownAt(h), h.name});
  w.ResourcesChanged();
  return h;
}

Result<Webhook> UpdateRow(Writing& w, const Principal& who, base::WebhookId id, const Changer<Webhook>& change) {
  RB_ASSIGN(const Webhook before, GetRow({w.db, w.shared}, who, id));
  if (!MayWrite(who, before)) return Denied("change the webhook");
  Webhook h = before;
  RB_TRY(change(h));
  h.id = id;
  RB_TRY(Check(w.db, who, h));
  h.last_triggered_at = before.last_triggered_at;
  h.created_at = before.created_at;
  h.updated_at = w.now;
  w.db.Exec(
      "UPDATE webhooks SET name = ?, enabled = ?, endpoint = ?, events = ?, reach = ?, workspace = ?, updated_at = ? "
      "WHERE id = ?",
      h.name, h.enabled, h.endpoint, EventBits(h.events), h.reach, h.workspace, h.updated_at, id);
  WriteEnvironments(w.db, h);
  w.Note(who, {Action::kWebhookUpdated,
               id.value,
               {},
               ShownAt(h),
               Differences()
                   .Add("name", h.name != before.name)
                   .Add(h.enabled ? "enabled" : "disabled", h.enabled != before.enabled)
                   .Add("endpoint", h.endpoint != before.endpoint)
                   .Add("events", h.events != before.events)
                   .Add("scope", h.reach != before.reach || h.workspace != before.workspace ||
                                     h.environments != before.environments)
                   .Take()});
  w.ResourcesChanged();
  return h;
}

Status DeleteRow(Writing& w, const Principal& who, base::WebhookId id) {
  RB_ASSIGN(const Webhook h, GetRow({w.db, w.shared}, who, id));
  if (!MayWrite(who, h)) return Denied("delete the webhook");
  w.db.Exec("UPDATE webhooks SET deleted_at = ? WHERE id = ?", w.now, id);
  FailWaiting(w, who, "webhook = ?", id.value, hook::Why::kDeleted);
  w.Note(who, {Action::kWebhookDeleted, id.value, {}, ShownAt(h), h.name});
  w.ResourcesChanged();
  return {};
}

}  // namespace store
