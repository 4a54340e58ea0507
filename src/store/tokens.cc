#include <algorithm>

#include "base/crypto.h"
#include "store/resources.h"
#include "store/tokens.h"

namespace store {

using base::Code;
using base::Error;
using base::Grant;
using base::Principal;
using base::Result;
using base::Scope;
using base::Secret;
using base::Status;

namespace {

constexpr std::string_view kTextPrefix = "rbt_";
constexpr size_t kTextRandom = 40;
constexpr base::Micros kLastUsedEvery{60'000'000};

constexpr Field kFields[] = {
    {"name", Field::Kind::kText, "t.name", true, true},
    {"account", Field::Kind::kAccount, "t.account", true, false},
    {"created-at", Field::Kind::kTime, "t.created_at", true, true},
    {"last-used-at", Field::Kind::kTime, "t.last_used_at", false, true},
};
constexpr ListTable kTable = {
    .columns = "t.id, t.name, t.description, t.grants, t.expires_at, t.last_used_at, t.created_by, t.created_at",
    .from = "tokens t",
    .id = "t.id",
    .prefix = "at-",
    .live = "t.deleted_at IS NULL",
    .search = "t.name",
    .fields = kFields,
};

std::string FormatGrants(const std::vector<Grant>& grants) {
  base::json::array list;
  for (const Grant& grant : grants) {
    list.push_back({std::string(Name(grant.scope)), grant.place.environment.value, grant.place.workspace.value});
  }
  return base::FormatJson(list);
}

std::vector<Grant> ReadGrants(Rows& rows, int column) {
  std::vector<Grant> grants;
  for (const auto& item : rows.Get<base::json::array>(column)) {
    const auto& row = item.as_array();
    auto scope = base::ParseScope(std::string_view(row.at(0).as_string()));
    if (scope) grants.push_back({*scope, {{row.at(1).as_int64()}, {row.at(2).as_int64()}}});
  }
  return grants;
}

Token ReadRow(Rows& rows) {
  Token t;
  rows.Read(t.id, t.name, t.description);
  t.grants = ReadGrants(rows, 3);
  t.expires_at = rows.Get<std::optional<base::WallTime>>(4);
  t.last_used_at = rows.Get<std::optional<base::WallTime>>(5);
  t.created_by = rows.Get<base::TokenId>(6);
  t.created_at = rows.Get<base::WallTime>(7);
  return t;
}

bool MayHandOut(const Principal& who, const std::vector<Grant>& grants) {
  return std::all_of(grants.begin(), grants.end(),
                     [&](const Grant& grant) { return who.May(Scope::kAdmin, grant.place); });
}

// A token is seen by those who could hand it out, and by itself.
std::string Sight(Db& db, const Principal& who) {
  if (who.May(Scope::kAdmin, {})) return "1";
  std::string ids = std::to_string(who.token.value);
  Rows rows = db.Query("SELECT id, grants FROM tokens WHERE deleted_at IS NULL");
  while (rows.Next()) {
    if (MayHandOut(who, ReadGrants(rows, 1))) ids += "," + std::to_string(rows.Get<int64_t>(0));
  }
  return "t.id IN (" + ids + ")";
}

std::optional<base::WallTime> EndOf(Db& db, base::TokenId id) {
  Rows rows = db.Query("SELECT expires_at FROM tokens WHERE id = ?", id);
  return rows.Next() ? rows.Get<std::optional<base::WallTime>>(0) : std::nullopt;
}

Status Check(Db& db, const Principal& who, Token& t) {
  RB_TRY(CheckText("name", t.name, kMaxNameChars));
  RB_TRY(CheckText("description", t.description, 255));
  if (t.grants.empty()) return InvalidAttribute("grants", "a token needs at least one grant");
  for (Grant& grant : t.grants) RB_TRY(ResolvePlace(db, who, grant.place));
  if (!MayHandOut(who, t.grants)) return Denied("hand out these grants");
  return {};
}

}  // namespace

Result<Token> GetRow(Reading r, const Principal& who, base::TokenId id) {
  auto row = ReadOne(r.db, kTable, id.value, Sight(r.db, who), ReadRow);
  if (!row) return NotFound("AccessToken", id);
  return std::move(*row);
}

Status ListRows(Reading r, const Principal& who, const Query& query, Page<Token>& out) {
  RB_ASSIGN(out, ReadPage(r.db, kTable, query, r.shared.account.id, Sight(r.db, who), ReadRow));
  return {};
}

Result<Token> CreateRow(Writing& w, const Principal& who, Token t) {
  RB_TRY(Check(w.db, who, t));
  // Nor is anything handed out for longer than its maker has it.
  if (const auto end = EndOf(w.db, who.token); end && (!t.expires_at || *t.expires_at > *end)) t.expires_at = end;
  t.id = w.NewId<base::TokenId>();
  t.text = Secret(std::string(kTextPrefix) + w.random.Alphanumeric(kTextRandom));
  t.last_used_at.reset();
  t.created_by = who.token;
  t.created_at = w.now;
  w.db.Exec("INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?, ?, NULL)", t.id, kAccount, t.name, t.description,
            FormatGrants(t.grants), Blob{base::Sha256(t.text.Reveal())}, t.expires_at, t.created_by, t.created_at);
  w.Note(who, {Action::kTokenCreated, t.id.value, {}, {}, t.name});
  w.tokens_changed = true;
  return t;
}

Result<Token> UpdateRow(Writing& w, const Principal& who, base::TokenId id, const Changer<Token>& change) {
  RB_ASSIGN(const Token before, GetRow({w.db, w.shared}, who, id));
  if (!MayHandOut(who, before.grants)) return Denied("change the token");
  Token t = before;
  RB_TRY(change(t));
  t.id = id;
  RB_TRY(Check(w.db, who, t));
  t.last_used_at = before.last_used_at;
  t.created_by = before.created_by;
  t.created_at = before.created_at;
  t.text = Secret();
  w.db.Exec("UPDATE tokens SET name = ?, description = ?, grants = ?, expires_at = ? WHERE id = ?", t.name,
            t.description, FormatGrants(t.grants), t.expires_at, id);
  w.Note(who, {Action::kTokenUpdated, id.value, {}, {}, t.name});
  w.tokens_changed = true;
  return t;
}

Status DeleteRow(Writing& w, const Principal& who, base::TokenId id) {
  RB_ASSIGN(const Token t, GetRow({w.db, w.shared}, who, id));
  if (who.token != id && !MayHandOut(who, t.grants)) return Denied("delete the token");
  w.db.Exec("UPDATE tokens SET deleted_at = ? WHERE id = ?", w.now, id);
  w.Note(who, {Action::kTokenDeleted, id.value, {}, {}, t.name});
  w.tokens_changed = true;
  return {};
}

Result<Known> FindToken(Reading r, const Secret& text) {
  const Error unknown(Code::kNotFound, "unknown or expired token");
  Rows rows =
      r.db.Query("SELECT id, name, grants, expires_at, last_used_at FROM tokens WHERE hash = ? AND deleted_at IS NULL",
                 Blob{base::Sha256(text.Reveal())});
  if (!rows.Next()) return unknown;
  const base::WallTime now = r.shared.clock.Now();
  const auto expires_at = rows.Get<std::optional<base::WallTime>>(3);
  if (expires_at && *expires_at <= now) return unknown;
  const auto last_used_at = rows.Get<std::optional<base::WallTime>>(4);
  Known known;
  known.who.token = rows.Get<base::TokenId>(0);
  known.who.name = rows.Get<std::string>(1);
  known.who.grants = ReadGrants(rows, 2);
  known.use_is_news = !last_used_at || now - *last_used_at >= kLastUsedEvery;
  return known;
}

void NoteUse(Writing& w, base::TokenId id) { w.db.Exec("UPDATE tokens SET last_used_at = ? WHERE id = ?", w.now, id); }

}  // namespace store
