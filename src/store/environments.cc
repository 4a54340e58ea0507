#include "store/resources.h"
#include "store/visible.h"

namespace store {

using base::Principal;
using base::Result;
using base::Scope;
using base::Status;

namespace {

constexpr Field kFields[] = {
    {"environment", Field::Kind::kId, "e.id", true, false, "env-"},
    {"account", Field::Kind::kAccount, "e.account", true, true},
    {"name", Field::Kind::kText, "e.name", true, true},
    {"tag", Field::Kind::kText, "NULL", true, false},  // nothing here has any
    {"created-at", Field::Kind::kTime, "e.created_at", true, true},
};
constexpr ListTable kTable = {
    .columns = "e.id, e.name, e.extra, e.created_by, e.created_at, e.updated_at",
    .from = "environments e",
    .id = "e.id",
    .prefix = "env-",
    .live = "e.deleted_at IS NULL",
    .search = "e.name",
    .fields = kFields,
};

Environment ReadRow(Rows& rows) {
  Environment e;
  rows.Read(e.id, e.name, e.extra, e.created_by, e.created_at, e.updated_at);
  return e;
}

Status Check(Db& db, const Environment& e) {
  RB_TRY(CheckName(e.name));
  const bool taken =
      db.Number("SELECT 1 FROM environments WHERE account = ? AND name = ? AND id <> ? AND deleted_at IS NULL",
                kAccount, e.name, e.id) != 0;
  if (taken) return NameTaken("environment");
  return {};
}

}  // namespace

Result<Environment> GetRow(Reading r, const Principal& who, base::EnvironmentId id) {
  auto row = ReadOne(r.db, kTable, id.value, Visible(who).EnvironmentAround("e.id"), ReadRow);
  if (!row) return NotFound("Environment", id);
  return std::move(*row);
}

Status ListRows(Reading r, const Principal& who, const Query& query, Page<Environment>& out) {
  RB_ASSIGN(out, ReadPage(r.db, kTable, query, r.shared.account.id, Visible(who).EnvironmentAround("e.id"), ReadRow));
  return {};
}

Result<Environment> CreateRow(Writing& w, const Principal& who, Environment e) {
  if (!who.May(Scope::kWrite, {})) return Denied("create environments");
  e.id = {};
  RB_TRY(Check(w.db, e));
  e.id = w.NewId<base::EnvironmentId>();
  e.created_by = who.token;
  e.created_at = e.updated_at = w.now;
  w.db.Exec("INSERT INTO environments VALUES (?, ?, ?, ?, ?, ?, ?, NULL)", e.id, kAccount, e.name, e.extra,
            e.created_by, e.created_at, e.updated_at);
  w.Note(who, {Action::kEnvironmentCreated, e.id.value, {}, {e.id, {}}, e.name});
  w.ResourcesChanged();
  return e;
}

Result<Environment> UpdateRow(Writing& w, const Principal& who, base::EnvironmentId id,
                              const Changer<Environment>& change) {
  RB_ASSIGN(const Environment before, GetRow({w.db, w.shared}, who, id));
  if (!who.May(Scope::kWrite, {})) return Denied("change environments");
  Environment e = before;
  RB_TRY(change(e));
  e.id = id;
  RB_TRY(Check(w.db, e));
  e.created_by = before.created_by;
  e.created_at = before.created_at;
  e.updated_at = w.now;
  w.db.Exec("UPDATE environments SET name = ?, extra = ?, updated_at = ? WHERE id = ?", e.name, e.extra, e.updated_at,
            id);
  w.Note(who, {Action::kEnvironmentUpdated,
               id.value,
               {},
               {id, {}},
               Differences().Add("name", e.name != before.name).Add("attributes", e.extra != before.extra).Take()});
  w.ResourcesChanged();
  return e;
}

Status DeleteRow(Writing& w, const Principal& who, base::EnvironmentId id) {
  RB_ASSIGN(const Environment e, GetRow({w.db, w.shared}, who, id));
  if (!who.May(Scope::kWrite, {})) return Denied("delete environments");
  RB_TRY(EmptyEnvironment(w, who, id));
  w.db.Exec("UPDATE environments SET deleted_at = ? WHERE id = ?", w.now, id);
  w.Note(who, {Action::kEnvironmentDeleted, id.value, {}, {id, {}}, e.name});
  w.ResourcesChanged();
  return {};
}

}  // namespace store
