#include <algorithm>

#include "store/resources.h"
#include "store/visible.h"

namespace store {

using base::Principal;
using base::Result;
using base::Scope;
using base::Status;

namespace {

constexpr Field kFields[] = {
    {"workspace", Field::Kind::kId, "w.id", true, false, "ws-"},
    {"environment", Field::Kind::kId, "w.environment", true, false, "env-"},
    {"account", Field::Kind::kAccount, "w.account", true, false},
    {"name", Field::Kind::kText, "w.name", true, true},
    {"tag", Field::Kind::kText, "NULL", true, false},  // nothing here has any
    {"created-at", Field::Kind::kTime, "w.created_at", true, true},
    {"updated-at", Field::Kind::kTime, "w.updated_at", false, true},
};
// The current run is the newest one that got its turn.
constexpr ListTable kTable = {
    .columns =
        "w.id, w.environment, w.name, w.auto_apply, w.extra, "
        "(SELECT r.id FROM runs r WHERE r.workspace = w.id AND r.status <> 0 AND r.is_dry = 0 "
        "ORDER BY r.id DESC LIMIT 1), "
        "(SELECT max(r.id) FROM runs r WHERE r.workspace = w.id), w.created_by, w.created_at, w.updated_at",
    .from = "workspaces w",
    .id = "w.id",
    .prefix = "ws-",
    .live = "w.deleted_at IS NULL",
    .search = "w.name",
    .fields = kFields,
};

Workspace ReadRow(Rows& rows) {
  Workspace w;
  rows.Read(w.id, w.environment, w.name, w.auto_apply, w.extra, w.current_run, w.latest_run, w.created_by, w.created_at,
            w.updated_at);
  return w;
}

std::string Sight(const Principal& who) { return Visible(who).Either("w.environment", "w.id"); }

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

Status Check(Db& db, const Workspace& w) {
  RB_TRY(CheckName(w.name));
  if (!std::all_of(w.name.begin(), w.name.end(), IsNameCharacter)) {
    return InvalidAttribute("name", "may hold letters, digits, - and _ only");
  }
  const bool taken =
      db.Number("SELECT 1 FROM workspaces WHERE environment = ? AND name = ? AND id <> ? AND deleted_at IS NULL",
                w.environment, w.name, w.id) != 0;
  if (taken) return NameTaken("workspace of the environment");
  return {};
}

}  // namespace

Result<Workspace> GetRow(Reading r, const Principal& who, base::WorkspaceId id) {
  auto row = ReadOne(r.db, kTable, id.value, Sight(who), ReadRow);
  if (!row) return NotFound("Workspace", id);
  return std::move(*row);
}

Status ListRows(Reading r, const Principal& who, const Query& query, Page<Workspace>& out) {
  RB_ASSIGN(out, ReadPage(r.db, kTable, query, r.shared.account.id, Sight(who), ReadRow));
  return {};
}

Result<Workspace> CreateRow(Writing& w, const Principal& who, Workspace value) {
  if (!value.environment) return InvalidRelationship("environment", "is required");
  base::Place place{value.environment, {}};
  RB_TRY(ResolvePlace(w.db, who, place));
  if (!who.May(Scope::kWrite, place)) return Denied("create workspaces");
  value.id = {};
  RB_TRY(Check(w.db, value));
  value.id = w.NewId<base::WorkspaceId>();
  value.current_run.reset();
  value.latest_run.reset();
  value.created_by = who.token;
  value.created_at = value.updated_at = w.now;
  w.db.Exec("INSERT INTO workspaces VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?, NULL)", value.id, kAccount, value.environment,
            value.name, value.auto_apply, value.extra, value.created_by, value.created_at, value.updated_at);
  w.Note(who, {Action::kWorkspaceCreated, value.id.value, {}, {value.environment, value.id}, value.name});
  return value;
}

Result<Workspace> UpdateRow(Writing& w, const Principal& who, base::WorkspaceId id, const Changer<Workspace>& change) {
  RB_ASSIGN(const Workspace before, GetRow({w.db, w.shared}, who, id));
  if (!who.May(Scope::kWrite, {before.environment, id})) return Denied("change the workspace");
  Workspace value = before;
  RB_TRY(change(value));
  value.id = id;
  if (value.environment != before.environment) {
    return InvalidRelationship("environment", "a workspace stays in its environment");
  }
  RB_TRY(Check(w.db, value));
  value.created_by = before.created_by;
  value.created_at = before.created_at;
  value.updated_at = w.now;
  w.db.Exec("UPDATE workspaces SET name = ?, auto_apply = ?, extra = ?, updated_at = ? WHERE id = ?", value.name,
            value.auto_apply, value.extra, value.updated_at, id);
  w.Note(who, {Action::kWorkspaceUpdated,
               id.value,
               {},
               {value.environment, id},
               Differences()
                   .Add("name", value.name != before.name)
                   .Add("auto-apply", value.auto_apply != before.auto_apply)
                   .Add("attributes", value.extra != before.extra)
                   .Take()});
  w.ResourcesChanged();
  return value;
}

Status DeleteRow(Writing& w, const Principal& who, base::WorkspaceId id) {
  RB_ASSIGN(const Workspace value, GetRow({w.db, w.shared}, who, id));
  if (!who.May(Scope::kWrite, {value.environment, {}})) return Denied("delete workspaces");
  RB_TRY(EmptyWorkspace(w, who, id));
  w.db.Exec("UPDATE workspaces SET deleted_at = ? WHERE id = ?", w.now, id);
  w.Note(who, {Action::kWorkspaceDeleted, id.value, {}, {value.environment, id}, value.name});
  w.ResourcesChanged();
  return {};
}

}  // namespace store
