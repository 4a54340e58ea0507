#include <set>

#include "store/resources.h"
#include "store/visible.h"

namespace store {

using base::Code;
using base::Error;
using base::Principal;
using base::Result;
using base::Scope;
using base::Secret;
using base::Status;

namespace {

constexpr Field kFields[] = {
    {"environment", Field::Kind::kId, "p.environment", true, false, "env-"},
    {"workspace", Field::Kind::kId, "p.workspace", true, false, "ws-"},
    {"account", Field::Kind::kAccount, "p.account", true, false},
    {"name", Field::Kind::kText, "p.name", true, true},
    {"url", Field::Kind::kText, "p.url", true, true},
    {"created-at", Field::Kind::kTime, "p.created_at", true, true},
};
constexpr ListTable kTable = {
    .columns =
        "p.id, p.environment, p.workspace, p.name, p.url, p.seal_key, p.secret, p.previous_secret, "
        "p.overlap_ends, p.headers, p.max_attempts, p.timeout_s, p.form, p.state, p.state_reason, p.held_until, "
        "p.failures_in_a_row, p.created_at, p.updated_at",
    .from = "endpoints p",
    .id = "p.id",
    .prefix = "ep-",
    .live = "p.deleted_at IS NULL",
    .search = "p.name",
    .fields = kFields,
};

constexpr size_t kMaxHeaders = 32;

std::string HeadersText(const std::vector<hook::CustomHeader>& headers) {
  base::json::array list;
  for (const auto& header : headers) list.push_back({header.name, header.value, header.sensitive});
  return base::FormatJson(list);
}

std::vector<hook::CustomHeader> ParseHeaders(std::string_view text) {
  std::vector<hook::CustomHeader> headers;
  auto list = base::ParseJson(text);
  if (!list || !list->is_array()) return headers;
  for (const auto& item : list->as_array()) {
    const auto& row = item.as_array();
    headers.push_back({std::string(row.at(0).as_string()), std::string(row.at(1).as_string()), row.at(2).as_bool()});
  }
  return headers;
}

// A sealed value that cannot be opened makes the whole read fail: the file or the key is not what it was.
Secret Open(Reading r, std::string_view column, int64_t id, int64_t key, std::string_view sealed) {
  auto opened = r.shared.sealer.Unseal(column, id, key, sealed);
  if (opened) return std::move(*opened);
  r.db.Fail(std::move(opened).error().In("endpoint " + base::FormatId("ep-", id)));
  return {};
}

Endpoint ReadRow(Reading r, Rows& rows) {
  Endpoint p;
  int64_t key = 0;
  std::string secret;
  std::optional<std::string> previous, headers;
  rows.Read(p.id, p.place.environment, p.place.workspace, p.name, p.url, key, secret, previous, p.overlap_ends, headers,
            p.max_attempts, p.timeout_s, p.form, p.state, p.state_reason, p.held_until, p.failures_in_a_row,
            p.created_at, p.updated_at);
  p.secret = Open(r, "endpoint.secret", p.id.value, key, secret);
  const bool overlaps = previous && (!p.overlap_ends || *p.overlap_ends > r.shared.clock.Now());
  if (overlaps) {
    p.previous_secret = Open(r, "endpoint.previous_secret", p.id.value, key, *previous);
  } else {
    p.overlap_ends.reset();
  }
  if (headers) p.headers = ParseHeaders(Open(r, "endpoint.headers", p.id.value, key, *headers).Reveal());
  return p;
}

std::string Sight(const Principal& who) { return Visible(who).Either("p.environment", "p.workspace"); }

std::string LowerCase(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

Status CheckHeaders(const std::vector<hook::CustomHeader>& headers) {
  if (headers.size() > kMaxHeaders) {
    return InvalidAttribute("headers", "at most " + std::to_string(kMaxHeaders) + " are kept");
  }
  std::set<std::string> names;
  for (size_t i = 0; i < headers.size(); ++i) {
    auto status = hook::CheckHeader(headers[i]);
    if (status && !names.insert(LowerCase(headers[i].name)).second) status = base::Invalid("the header is given twice");
    if (!status) return InvalidAttribute("headers/" + std::to_string(i), status.error().message);
  }
  return {};
}

Status Check(Db& db, const Endpoint& p) {
  RB_TRY(CheckName(p.name));
  if (p.url.empty()) return InvalidAttribute("url", "must not be empty");
  RB_TRY(CheckText("url", p.url, 2048));
  RB_TRY(CheckText("secret-key", p.secret.Reveal(), 1024));
  if (p.max_attempts < 1 || p.max_attempts > kMaxAttempts) {
    return InvalidAttribute("max-attempts", "must be from 1 to " + std::to_string(kMaxAttempts));
  }
  if (p.timeout_s < 0 || p.timeout_s > kMaxTimeoutSeconds) {
    return InvalidAttribute("timeout", "must be from 0 to " + std::to_string(kMaxTimeoutSeconds) + " seconds");
  }
  RB_TRY(CheckHeaders(p.headers));
  const bool taken = db.Number(
                         "SELECT 1 FROM endpoints WHERE account = ? AND environment = ? AND workspace = ? AND name = ? "
                         "AND id <> ? AND deleted_at IS NULL",
                         kAccount, p.place.environment, p.place.workspace, p.name, p.id) != 0;
  if (taken) return NameTaken("endpoint");
  return {};
}

struct Sealed {
  std::string secret;
  std::optional<std::string> previous, headers;
};
Sealed SealAll(const Sealer& sealer, const Endpoint& p) {
  Sealed sealed;
  sealed.secret = sealer.Seal("endpoint.secret", p.id.value, p.secret.Reveal());
  if (p.previous_secret) {
    sealed.previous = sealer.Seal("endpoint.previous_secret", p.id.value, p.previous_secret->Reveal());
  }
  if (!p.headers.empty()) sealed.headers = sealer.Seal("endpoint.headers", p.id.value, HeadersText(p.headers));
  return sealed;
}

std::optional<Blob> Bytes(const std::optional<std::string>& bytes) {
  return bytes ? std::optional<Blob>(Blob{*bytes}) : std::nullopt;
}

bool Same(const std::optional<Secret>& a, const std::optional<Secret>& b) {
  return a.has_value() == b.has_value() && (!a || a->Reveal() == b->Reveal());
}

struct Changed {
  Action action = Action::kEndpointUpdated;
  std::string detail;
};
Changed WhatChanged(const Endpoint& before, const Endpoint& after) {
  if (before.state != after.state) {
    switch (after.state) {
      case EndpointState::kPaused: return {Action::kEndpointPaused, after.state_reason};
      case EndpointState::kDisabled: return {Action::kEndpointDisabled, after.state_reason};
      case EndpointState::kActive:
        return {before.state == EndpointState::kPaused ? Action::kEndpointResumed : Action::kEndpointEnabled, {}};
    }
  }
  if (after.previous_secret && !Same(before.previous_secret, after.previous_secret))
    return {Action::kSecretRotated, {}};
  if (before.previous_secret && !after.previous_secret) return {Action::kRotationEnded, {}};
  return {Action::kEndpointUpdated, Differences()
                                        .Add("name", before.name != after.name)
                                        .Add("url", before.url != after.url)
                                        .Add("secret-key", before.secret.Reveal() != after.secret.Reveal())
                                        .Add("max-attempts", before.max_attempts != after.max_attempts)
                                        .Add("timeout", before.timeout_s != after.timeout_s)
                                        .Add("headers", before.headers != after.headers)
                                        .Add("form", before.form != after.form)
                                        .Take()};
}

void ApplyState(Writing& w, const Principal& who, const Endpoint& before, Endpoint& p) {
  if (before.state == p.state) return;
  if (p.state_reason.empty() || p.state_reason == before.state_reason) p.state_reason = "by hand";
  if (p.state == EndpointState::kActive) {
    p.state_reason.clear();
    p.held_until.reset();
    p.failures_in_a_row = 0;
  }
  if (p.state != EndpointState::kDisabled) return;
  FailWaiting(w, who, "endpoint = ?", p.id.value, hook::Why::kEndpointDisabled);
  w.committed.dropped.push_back(p.id);
}

}  // namespace

Result<Endpoint> GetRow(Reading r, const Principal& who, base::EndpointId id) {
  auto row = ReadOne(r.db, kTable, id.value, Sight(who), [&](Rows& rows) { return ReadRow(r, rows); });
  if (!row) return NotFound("Endpoint", id);
  return std::move(*row);
}

Status ListRows(Reading r, const Principal& who, const Query& query, Page<Endpoint>& out) {
  RB_ASSIGN(out, ReadPage(r.db, kTable, query, r.shared.account.id, Sight(who),
                          [&](Rows& rows) { return ReadRow(r, rows); }));
  return {};
}

Result<std::vector<Target>> ReadTargets(Reading r, const std::vector<base::EndpointId>& ids) {
  std::vector<Target> targets;
  for (base::EndpointId id : ids) {
    auto p = ReadOne(r.db, kTable, id.value, "1", [&](Rows& rows) { return ReadRow(r, rows); });
    if (!p) continue;
    Target& target = targets.emplace_back();
    target.id = id;
    if (!r.db.ok() && r.db.is_local()) target.unreadable = r.db.TakeError();
    target.url = std::move(p->url);
    target.keys.current = std::move(p->secret);
    target.keys.previous = std::move(p->previous_secret);
    target.headers = std::move(p->headers);
    target.max_attempts = p->max_attempts;
    target.timeout_s = p->timeout_s;
    target.state = p->state;
    target.held_until = p->held_until;
    target.failures_in_a_row = p->failures_in_a_row;
  }
  return targets;
}

void EndRotations(Writing& w) {
  std::vector<std::pair<base::EndpointId, base::Place>> ended;
  {
    Rows rows = w.db.Query(
        "SELECT id, environment, workspace FROM endpoints WHERE overlap_ends <= ? AND deleted_at IS NULL", w.now);
    while (rows.Next()) {
      auto& [id, place] = ended.emplace_back();
      rows.Read(id, place.environment, place.workspace);
    }
  }
  for (const auto& [id, place] : ended) {
    w.db.Exec("UPDATE endpoints SET previous_secret = NULL, overlap_ends = NULL WHERE id = ?", id);
    w.Note(Principal::System(), {Action::kRotationEnded, id.value, {}, place, {}});
    w.committed.endpoints.push_back(id);
  }
}

Result<Endpoint> CreateRow(Writing& w, const Principal& who, Endpoint p) {
  RB_TRY(ResolvePlace(w.db, who, p.place));
  if (!who.May(Scope::kWrite, p.place)) return Denied("create endpoints");
  p.id = {};
  if (p.secret.empty()) p.secret = hook::MakeSecret(w.random);
  RB_TRY(Check(w.db, p));
  p.id = w.NewId<base::EndpointId>();
  p.created_at = p.updated_at = w.now;
  const Sealed sealed = SealAll(w.shared.sealer, p);
  w.db.Exec("INSERT INTO endpoints VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, NULL)", p.id,
            kAccount, p.place.environment, p.place.workspace, p.name, p.url, w.shared.sealer.key_number(),
            Blob{sealed.secret}, Bytes(sealed.previous), p.overlap_ends, Bytes(sealed.headers), p.max_attempts,
            p.timeout_s, p.form, p.state, p.state_reason, p.held_until, p.created_at, p.updated_at);
  w.Note(who, {Action::kEndpointCreated, p.id.value, {}, p.place, p.name});
  return p;
}

Result<Endpoint> UpdateRow(Writing& w, const Principal& who, base::EndpointId id, const Changer<Endpoint>& change) {
  RB_ASSIGN(const Endpoint before, GetRow({w.db, w.shared}, who, id));
  if (!who.May(Scope::kWrite, before.place)) return Denied("change the endpoint");
  Endpoint p = before;
  RB_TRY(change(p));
  p.id = id;
  p.place = before.place;
  if (p.secret.empty()) p.secret = hook::MakeSecret(w.random);
  if (!p.previous_secret) p.overlap_ends.reset();
  RB_TRY(Check(w.db, p));
  p.created_at = before.created_at;
  p.updated_at = w.now;
  ApplyState(w, who, before, p);
  const Sealed sealed = SealAll(w.shared.sealer, p);
  w.db.Exec(
      "UPDATE endpoints SET name = ?, url = ?, seal_key = ?, secret = ?, previous_secret = ?, overlap_ends = ?, "
      "headers = "
      "?, max_attempts = ?, timeout_s = ?, form = ?, state = ?, state_reason = ?, held_until = ?, failures_in_a_row = "
      "?, "
      "updated_at = ? WHERE id = ?",
      p.name, p.url, w.shared.sealer.key_number(), Blob{sealed.secret}, Bytes(sealed.previous), p.overlap_ends,
      Bytes(sealed.headers), p.max_attempts, p.timeout_s, p.form, p.state, p.state_reason, p.held_until,
      p.failures_in_a_row, p.updated_at, id);
  Changed changed = WhatChanged(before, p);
  w.Note(who, {changed.action, id.value, {}, p.place, std::move(changed.detail)});
  w.committed.endpoints.push_back(id);
  w.ResourcesChanged();
  return p;
}

Status DeleteRow(Writing& w, const Principal& who, base::EndpointId id) {
  RB_ASSIGN(const Endpoint p, GetRow({w.db, w.shared}, who, id));
  if (!who.May(Scope::kWrite, p.place)) return Denied("delete the endpoint");
  std::optional<std::string> user;
  if (Rows rows = w.db.Query("SELECT name FROM webhooks WHERE endpoint = ? AND deleted_at IS NULL LIMIT 1", id);
      rows.Next()) {
    user = rows.Get<std::string>(0);
  }
  if (user) return Error(Code::kConflict, "the webhook " + *user + " uses this endpoint");
  w.db.Exec("UPDATE endpoints SET deleted_at = ? WHERE id = ?", w.now, id);
  FailWaiting(w, who, "endpoint = ?", id.value, hook::Why::kDeleted);
  w.Note(who, {Action::kEndpointDeleted, id.value, {}, p.place, p.name});
  w.committed.endpoints.push_back(id);
  w.committed.dropped.push_back(id);
  w.ResourcesChanged();
  return {};
}

}  // namespace store
