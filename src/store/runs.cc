#include <algorithm>
#include <cstring>

#include "base/crypto.h"
#include "store/run_rows.h"
#include "store/visible.h"

namespace store {

using base::Code;
using base::Error;
using base::Principal;
using base::Result;
using base::Scope;
using base::Status;
using base::WallTime;

namespace {

template <auto kParse>
std::optional<int64_t> Number(std::string_view text) {
  auto value = kParse(text);
  return value ? std::optional<int64_t>(static_cast<int64_t>(*value)) : std::nullopt;
}

constexpr Field kFields[] = {
    {"run", Field::Kind::kId, "r.id", true, false, "run-"},
    {"workspace", Field::Kind::kId, "r.workspace", true, false, "ws-"},
    {"environment", Field::Kind::kId, "r.workspace IN (SELECT id FROM workspaces WHERE environment IN ({}))", true,
     false, "env-"},
    {"account", Field::Kind::kAccount, "r.account", true, false},
    {"status", Field::Kind::kName, "r.status", true, true, {}, Number<run::ParseStatus>},
    {"source", Field::Kind::kText, "r.source", true, false},
    {"driver", Field::Kind::kName, "r.driver", true, false, {}, Number<run::ParseDriver>},
    {"created-by", Field::Kind::kId, "r.created_by", true, false, "at-"},
    {"is-dry", Field::Kind::kFlag, "r.is_dry", true, false},
    {"created-at", Field::Kind::kTime, "r.created_at", true, true},
    {"updated-at", Field::Kind::kTime, "r.updated_at", false, true},
};
constexpr ListTable kTable = {
    .columns =
        "r.id, r.workspace, w.environment, r.message, r.source, r.status, r.reason, r.lost_from, r.auto_apply, "
        "r.is_destroy, r.is_dry, r.has_changes, r.driver, r.cancel_requested, r.plan_add, r.plan_change, "
        "r.plan_destroy, r.plan_import, r.changes_left_out, r.error_summary, r.variables, r.extra, r.created_by, "
        "t.name, r.reached, r.created_at, r.updated_at, c.changes",
    .from =
        "runs r JOIN workspaces w ON w.id = r.workspace LEFT JOIN tokens t ON t.id = r.created_by "
        "LEFT JOIN run_changes c ON c.run = r.id",
    .id = "r.id",
    .prefix = "run-",
    .live = "",
    .search = "r.message",
    .fields = kFields,
};
constexpr int kColumns = 28;

std::vector<std::pair<run::Status, WallTime>> ParseReached(std::string_view bytes) {
  std::vector<std::pair<run::Status, WallTime>> reached;
  for (; bytes.size() >= 9; bytes.remove_prefix(9)) {
    int64_t us = 0;
    std::memcpy(&us, bytes.data() + 1, sizeof us);
    reached.emplace_back(static_cast<run::Status>(bytes.front()), base::FromMicros(us));
  }
  return reached;
}

std::string FormatReached(const std::vector<std::pair<run::Status, WallTime>>& reached) {
  std::string bytes;
  for (const auto& [status, at] : reached) {
    const int64_t us = base::ToMicros(at);
    bytes += static_cast<char>(status);
    bytes.append(reinterpret_cast<const char*>(&us), sizeof us);
  }
  return bytes;
}

std::vector<run::ChangedResource> ParseChanges(const base::json::array& list) {
  std::vector<run::ChangedResource> changes;
  for (size_t i = 0; i + 1 < list.size(); i += 2) {
    changes.push_back({std::string(list[i].as_string()), std::string(list[i + 1].as_string())});
  }
  return changes;
}

base::json::array FormatChanges(const std::vector<run::ChangedResource>& changes) {
  base::json::array list;
  for (const auto& change : changes) {
    list.emplace_back(change.address);
    list.emplace_back(change.action);
  }
  return list;
}

Run ReadRow(Rows& rows) {
  Run r;
  std::optional<int> add;
  run::Counts plan;
  std::optional<std::string> created_by_name;
  std::string reached;
  base::json::array changes;
  rows.Read(r.id, r.workspace, r.environment, r.message, r.source, r.facts.status, r.facts.reason, r.facts.lost_from,
            r.facts.auto_apply, r.facts.is_destroy, r.facts.is_dry, r.facts.has_changes, r.facts.driver,
            r.cancel_requested, add, plan.change, plan.destroy, plan.import, r.changes_left_out, r.error_summary,
            r.variables, r.extra, r.created_by, created_by_name, reached, r.created_at, r.updated_at, changes);
  if (add) {
    plan.add = *add;
    r.plan = plan;
  }
  r.created_by_name = created_by_name.value_or("runbell");
  r.reached = ParseReached(reached);
  r.changes = ParseChanges(changes);
  return r;
}

std::string Sight(const Principal& who) { return Visible(who).Either("w.environment", "r.workspace"); }

// Sensitive values are never kept: nothing here needs them.
base::json::array Harmless(base::json::array variables) {
  for (auto& item : variables) {
    auto* variable = item.if_object();
    if (variable == nullptr) continue;
    const auto* sensitive = variable->if_contains("sensitive");
    if (sensitive != nullptr && sensitive->is_bool() && sensitive->as_bool()) (*variable)["value"] = nullptr;
  }
  return variables;
}

template <class T>
std::optional<int> Count(const std::optional<run::Counts>& plan, T member) {
  return plan ? std::optional<int>((*plan).*member) : std::nullopt;
}

// Whoever may not approve must not do so beforehand; of a workspace that applies by itself, its owner has decided.
Status CheckAutoApply(Db& db, const Principal& who, const Run& r, const base::Place& place) {
  if (!r.facts.auto_apply || who.May(Scope::kApprove, place) || who.May(Scope::kWrite, place)) return {};
  if (db.Number("SELECT auto_apply FROM workspaces WHERE id = ?", place.workspace) != 0) return {};
  return Error(Code::kDenied,
               "auto-apply approves the run beforehand: that needs a token with the scope approve or write here, or a "
               "workspace whose own auto-apply is true");
}

// The run that this token made with this key; none for a digest that is NULL.
base::RunId FindByKey(Db& db, const Principal& who, base::WorkspaceId workspace, const Value& digest) {
  return base::RunId{db.Number("SELECT id FROM runs WHERE workspace = ? AND created_by = ? AND key_digest = ?",
                               workspace, who.token, digest)};
}

}  // namespace

int64_t DigestOfKey(std::string_view key) {
  const std::string digest = base::Sha256(key);
  int64_t number = 0;
  std::memcpy(&number, digest.data(), sizeof number);
  return number;
}

void Reach(Run& run, run::Status status, WallTime at) {
  const bool known =
      std::any_of(run.reached.begin(), run.reached.end(), [&](auto& row) { return row.first == status; });
  if (!known) run.reached.emplace_back(status, at);
}

void ReadPosition(Db& db, Run& run) {
  run.position_in_queue.reset();
  const bool queues =
      run.facts.status == run::Status::kPending && !run.facts.is_dry && run.facts.driver != run::Driver::kNone;
  if (!queues) return;
  run.position_in_queue = static_cast<int>(db.Number(
      "SELECT count(*) FROM runs WHERE workspace = ? AND status < 12 AND is_dry = 0 AND driver <> 2 AND id < ?",
      run.workspace, run.id));
}

std::optional<StoredRun> FindRun(Reading r, base::RunId id) {
  static const std::string kSql = "SELECT " + std::string(kTable.columns) +
                                  ", r.last_event, r.last_seen_at, w.deleted_at FROM " + std::string(kTable.from) +
                                  " WHERE r.id = ?";
  Rows rows = r.db.Query(kSql.c_str(), id);
  if (!rows.Next()) return std::nullopt;
  StoredRun stored;
  stored.run = ReadRow(rows);
  if (!r.db.ok() && r.db.is_local()) r.db.Fail(r.db.TakeError().In("run " + Format(id)));
  stored.last_event = rows.Get<base::EventId>(kColumns);
  stored.last_seen_at = rows.Get<WallTime>(kColumns + 1);
  stored.workspace_lives = !rows.Get<std::optional<int64_t>>(kColumns + 2);
  return stored;
}

void WriteRun(Writing& w, const StoredRun& stored, bool changes_too) {
  const Run& r = stored.run;
  w.db.Exec(
      "UPDATE runs SET status = ?, reason = ?, lost_from = ?, has_changes = ?, driver = ?, cancel_requested = ?, "
      "plan_add = "
      "?, plan_change = ?, plan_destroy = ?, plan_import = ?, changes_left_out = ?, last_event = ?, updated_at = ?, "
      "last_seen_at = ?, reached = ?, error_summary = ? WHERE id = ?",
      r.facts.status, r.facts.reason, r.facts.lost_from, r.facts.has_changes, r.facts.driver, r.cancel_requested,
      Count(r.plan, &run::Counts::add), Count(r.plan, &run::Counts::change), Count(r.plan, &run::Counts::destroy),
      Count(r.plan, &run::Counts::import), r.changes_left_out, stored.last_event, r.updated_at, stored.last_seen_at,
      Blob{FormatReached(r.reached)}, r.error_summary, r.id);
  if (changes_too) {
    w.db.Exec("INSERT OR REPLACE INTO run_changes VALUES (?, ?)", r.id, base::FormatJson(FormatChanges(r.changes)));
  }
}

Result<Run> GetRow(Reading r, const Principal& who, base::RunId id) {
  auto row = ReadOne(r.db, kTable, id.value, Sight(who), ReadRow);
  if (!row) return NotFound("Run", id);
  ReadPosition(r.db, *row);
  return std::move(*row);
}

Status ListRows(Reading r, const Principal& who, const Query& query, Page<Run>& out) {
  RB_ASSIGN(out, ReadPage(r.db, kTable, query, r.shared.account.id, Sight(who), ReadRow));
  for (Run& run : out.items) ReadPosition(r.db, run);
  return {};
}

Result<Run> CreateRow(Writing& w, const Principal& who, Run r) {
  if (!r.workspace) return InvalidRelationship("workspace", "is required");
  base::Place place{{}, r.workspace};
  RB_TRY(ResolvePlace(w.db, who, place));
  if (!who.May(Scope::kReport, place) && !who.May(Scope::kWrite, place)) return Denied("create runs");
  RB_TRY(CheckAutoApply(w.db, who, r, place));
  RB_TRY(CheckText("message", r.message, 512));
  RB_TRY(CheckText("source", r.source, 64));
  RB_TRY(CheckText("key", r.key, kMaxKeyChars));
  const Value digest = r.key.empty() ? Value() : Value(DigestOfKey(r.key));
  if (const auto first = FindByKey(w.db, who, r.workspace, digest)) {
    RB_ASSIGN(Run made, GetRow({w.db, w.shared}, who, first));
    made.repeated = true;
    return made;
  }
  const run::Driver driver = r.facts.driver;
  StoredRun stored;
  r.id = w.NewId<base::RunId>();
  r.environment = place.environment;
  r.facts.status = run::Status::kPending;
  r.facts.reason = run::Reason::kNone;
  r.facts.lost_from.reset();
  r.facts.has_changes.reset();
  r.facts.driver = driver;
  r.cancel_requested = false;
  r.plan.reset();
  r.changes.clear();
  r.changes_left_out = 0;
  r.error_summary.clear();
  r.variables = Harmless(std::move(r.variables));
  r.created_by = who.token;
  r.created_by_name = who.name;
  r.created_at = r.updated_at = w.now;
  r.reached = {{run::Status::kPending, w.now}};
  w.db.Exec(
      "INSERT INTO runs VALUES (?, ?, ?, ?, ?, NULL, ?, ?, ?, NULL, ?, 0, NULL, NULL, NULL, NULL, 0, 0, ?, ?, ?, ?, ?, "
      "?, ?, ?, '', ?, ?, ?)",
      r.id, kAccount, r.workspace, r.facts.status, r.facts.reason, r.facts.auto_apply, r.facts.is_destroy,
      r.facts.is_dry, r.facts.driver, w.last_change + 1, r.created_by, r.created_at, r.updated_at, w.now,
      Blob{FormatReached(r.reached)}, r.source, r.message, r.variables, r.extra, digest);
  w.Note(who, {Action::kRunCreated, 0, r.id, {}, {}});
  ReadPosition(w.db, r);
  return r;
}

}  // namespace store
