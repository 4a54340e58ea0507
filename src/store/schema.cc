// How the tables are shaped, and why:
//  - ids grow with time, so a table keyed by one grows at its end, and a range of times is a range of ids;
//  - what grows with every delivery (events, deliveries, attempts, changes) has as few indexes as its lists can live
//  with;
//    the attempts of a delivery and the events of a run are chains, newest first, which need none;
//  - `account` is in every table, so that a second account needs no rebuilding; it is the only one for now;
//  - what can be deleted keeps its row with `deleted_at`, because the log goes on naming it.
#include "store/schema.h"

#include <iterator>
#include <string>

#include "run/run.h"

namespace store {

using base::Code;
using base::Error;
using base::Status;

namespace {

constexpr int64_t kApplicationId = 0x52756e62;  // "Runb"
constexpr int64_t kNewest = 3;

// Partial indexes below are written with these numbers.
static_assert(static_cast<int>(run::Status::kApplied) == 12, "the final states of a run begin here");
static_assert(static_cast<int>(run::Driver::kNone) == 2);

constexpr const char* kVersion1 = R"sql(
CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL) STRICT;

CREATE TABLE tokens (
  id INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts, name TEXT NOT NULL, description TEXT NOT NULL,
  grants TEXT NOT NULL, hash BLOB NOT NULL UNIQUE, expires_at INTEGER, last_used_at INTEGER,
  created_by INTEGER NOT NULL, created_at INTEGER NOT NULL, deleted_at INTEGER) STRICT;

CREATE TABLE environments (
  id INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts, name TEXT NOT NULL, extra TEXT,
  created_by INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, deleted_at INTEGER) STRICT;
CREATE UNIQUE INDEX environment_names ON environments(account, name) WHERE deleted_at IS NULL;

CREATE TABLE workspaces (
  id INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts,
  environment INTEGER NOT NULL REFERENCES environments, name TEXT NOT NULL, auto_apply INTEGER NOT NULL, extra TEXT,
  next_sequence INTEGER NOT NULL DEFAULT 1,
  created_by INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, deleted_at INTEGER) STRICT;
CREATE UNIQUE INDEX workspace_names ON workspaces(environment, name) WHERE deleted_at IS NULL;

-- environment and workspace are 0 where the place is higher up. secret, previous_secret and headers are sealed with the
-- key whose number is seal_key.
CREATE TABLE endpoints (
  id INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts, environment INTEGER NOT NULL,
  workspace INTEGER NOT NULL, name TEXT NOT NULL, url TEXT NOT NULL, seal_key INTEGER NOT NULL, secret BLOB NOT NULL,
  previous_secret BLOB, overlap_ends INTEGER, headers BLOB, max_attempts INTEGER NOT NULL, timeout_s INTEGER NOT NULL,
  form INTEGER NOT NULL, state INTEGER NOT NULL, state_reason TEXT NOT NULL, held_until INTEGER,
  failures_in_a_row INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, deleted_at INTEGER) STRICT;
CREATE UNIQUE INDEX endpoint_names ON endpoints(account, environment, workspace, name) WHERE deleted_at IS NULL;

-- Names are unique in a workspace, among the shared ones, and in each environment; no index can say the last.
CREATE TABLE webhooks (
  id INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts, name TEXT NOT NULL, enabled INTEGER NOT NULL,
  endpoint INTEGER NOT NULL REFERENCES endpoints, events INTEGER NOT NULL, reach INTEGER NOT NULL,
  workspace INTEGER NOT NULL, last_triggered_at INTEGER,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, deleted_at INTEGER) STRICT;
CREATE UNIQUE INDEX webhook_names ON webhooks(account, reach, workspace, name) WHERE deleted_at IS NULL AND reach <> 1;
CREATE INDEX webhooks_by_endpoint ON webhooks(endpoint) WHERE deleted_at IS NULL;
CREATE TABLE webhook_environments (
  environment INTEGER NOT NULL REFERENCES environments, webhook INTEGER NOT NULL REFERENCES webhooks,
  PRIMARY KEY (environment, webhook)) STRICT, WITHOUT ROWID;
CREATE INDEX environments_of_webhook ON webhook_environments(webhook);

-- By the hour in which the deliveries were triggered.
CREATE TABLE webhook_hours (
  webhook INTEGER NOT NULL, hour INTEGER NOT NULL, accepted INTEGER NOT NULL, delivered INTEGER NOT NULL,
  failed INTEGER NOT NULL, PRIMARY KEY (webhook, hour)) STRICT, WITHOUT ROWID;

-- last_event begins the chain of the run's events; first_change is where the feed began to speak of it. `reached` is a
-- status byte and eight bytes of time for each status, in the order in which they were reached.
CREATE TABLE runs (
  id INTEGER PRIMARY KEY, account INTEGER NOT NULL, workspace INTEGER NOT NULL, status INTEGER NOT NULL,
  reason INTEGER NOT NULL, lost_from INTEGER, auto_apply INTEGER NOT NULL, is_destroy INTEGER NOT NULL,
  is_dry INTEGER NOT NULL, has_changes INTEGER, driver INTEGER NOT NULL, cancel_requested INTEGER NOT NULL,
  plan_add INTEGER, plan_change INTEGER, plan_destroy INTEGER, plan_import INTEGER, changes_left_out INTEGER NOT NULL,
  last_event INTEGER NOT NULL, first_change INTEGER NOT NULL, created_by INTEGER NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, last_seen_at INTEGER NOT NULL, reached BLOB NOT NULL,
  source TEXT NOT NULL, message TEXT NOT NULL, error_summary TEXT NOT NULL, variables TEXT, extra TEXT) STRICT;
CREATE INDEX runs_by_workspace ON runs(workspace);
CREATE INDEX live_runs ON runs(workspace) WHERE status < 12;
CREATE INDEX queued_runs ON runs(workspace) WHERE status < 12 AND is_dry = 0 AND driver <> 2;
CREATE TABLE run_changes (run INTEGER PRIMARY KEY, changes TEXT NOT NULL) STRICT;

-- Of a run's keys only 64 bits of their digest; an answer is found again by the event.
CREATE TABLE transition_keys (
  run INTEGER NOT NULL, digest INTEGER NOT NULL, event INTEGER NOT NULL, deliveries INTEGER NOT NULL,
  PRIMARY KEY (run, digest)) STRICT, WITHOUT ROWID;

-- The deliveries of an event are the `fired` rows of deliveries that follow its id. `not_fired` is nine bytes for each
-- webhook that was considered and did not fire: its id and why. Bodies are head and tail of the payload, packed.
CREATE TABLE events (
  id INTEGER PRIMARY KEY, account INTEGER NOT NULL, run INTEGER NOT NULL, workspace INTEGER NOT NULL,
  sequence INTEGER NOT NULL, kind INTEGER NOT NULL, reason INTEGER NOT NULL, previous INTEGER NOT NULL,
  fired INTEGER NOT NULL, not_fired BLOB, body BLOB, body_hyphen BLOB) STRICT;

-- `epoch` is the claim and the fence: the number of the process that holds the delivery. `leased_until` stays NULL as
-- long as the directory's lock is the lease. last_attempt begins the chain of the delivery's attempts.
CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY, account INTEGER NOT NULL, event INTEGER NOT NULL, run INTEGER NOT NULL,
  workspace INTEGER NOT NULL, webhook INTEGER NOT NULL, endpoint INTEGER NOT NULL, kind INTEGER NOT NULL,
  reason INTEGER NOT NULL, form INTEGER NOT NULL, webhook_name TEXT NOT NULL, status INTEGER NOT NULL,
  why INTEGER NOT NULL, attempts INTEGER NOT NULL, attempts_made INTEGER NOT NULL, own_faults INTEGER NOT NULL,
  epoch INTEGER NOT NULL, leased_until INTEGER, due INTEGER, last_attempt INTEGER NOT NULL, last_attempt_at INTEGER,
  outcome INTEGER, response_code INTEGER, resend_of INTEGER NOT NULL, triggered_by INTEGER NOT NULL) STRICT;
CREATE INDEX deliveries_by_run ON deliveries(run);
CREATE INDEX deliveries_by_webhook ON deliveries(webhook);
CREATE INDEX deliveries_by_workspace ON deliveries(workspace);
CREATE INDEX waiting_deliveries ON deliveries(endpoint, due) WHERE status = 0;
CREATE INDEX failed_deliveries ON deliveries(status) WHERE status = 2;

-- Header lines are packed. Columns that are usually empty are NULL then.
CREATE TABLE attempts (
  id INTEGER PRIMARY KEY, account INTEGER NOT NULL, previous INTEGER NOT NULL, number INTEGER NOT NULL,
  started_at INTEGER NOT NULL, outcome INTEGER NOT NULL, verb INTEGER NOT NULL, why INTEGER NOT NULL,
  attempts_used INTEGER NOT NULL, retry_at INTEGER, pause_until INTEGER, disabled INTEGER NOT NULL,
  resolve_us INTEGER, connect_us INTEGER, tls_us INTEGER, first_byte_us INTEGER, total_us INTEGER,
  response_code INTEGER NOT NULL, response_cut INTEGER NOT NULL, address TEXT, detail TEXT, request_headers BLOB,
  response_headers BLOB, response_body BLOB) STRICT;

-- The feed and the audit log. `target` is NULL where it is the run itself; environment and workspace are NULL where the
-- run says where it happened.
CREATE TABLE changes (
  sequence INTEGER PRIMARY KEY, account INTEGER NOT NULL, at INTEGER NOT NULL, action INTEGER NOT NULL, target INTEGER,
  run INTEGER, actor INTEGER NOT NULL, environment INTEGER, workspace INTEGER, detail TEXT) STRICT;

CREATE TABLE totals (
  account INTEGER PRIMARY KEY, events INTEGER NOT NULL, accepted INTEGER NOT NULL, delivered INTEGER NOT NULL,
  waiting INTEGER NOT NULL, failed INTEGER NOT NULL) STRICT;
INSERT INTO totals VALUES (1, 0, 0, 0, 0, 0);

-- Events whose bodies were due to go while a delivery of theirs still waited.
CREATE TABLE purge_later (event INTEGER PRIMARY KEY) STRICT;
)sql";

// An index by webhook or workspace has each of them grow in a page of its own, so that every delivery writes two pages
// more. Entries that are made for many deliveries at once share those pages: that is delivery_lists, which knows every
// delivery up to the id 'listed to'; deliveries_of adds the few after it. `owner` is a webhook or a workspace.
constexpr const char* kVersion2 = R"sql(
DROP INDEX deliveries_by_webhook;
DROP INDEX deliveries_by_workspace;
CREATE TABLE delivery_lists (
  owner INTEGER NOT NULL, delivery INTEGER NOT NULL, PRIMARY KEY (owner, delivery)) STRICT, WITHOUT ROWID;
INSERT INTO delivery_lists
  SELECT webhook AS owner, id FROM deliveries UNION ALL SELECT workspace, id FROM deliveries ORDER BY owner, id;
INSERT INTO meta SELECT 'listed to', coalesce(max(id), 0) FROM deliveries;
CREATE VIEW deliveries_of AS
  SELECT owner, delivery FROM delivery_lists UNION ALL
  SELECT webhook, id FROM deliveries WHERE id > (SELECT value FROM meta WHERE name = 'listed to') UNION ALL
  SELECT workspace, id FROM deliveries WHERE id > (SELECT value FROM meta WHERE name = 'listed to');

DROP INDEX live_runs;
CREATE INDEX live_runs ON runs(status) WHERE status < 12;
)sql";

// A digest of the key that the run's maker chose, if any; what each report with a key said; and where a workspace's
// current run is found without walking over its dry runs.
constexpr const char* kVersion3 = R"sql(
ALTER TABLE transition_keys ADD COLUMN status INTEGER;
ALTER TABLE runs ADD COLUMN key_digest INTEGER;
CREATE UNIQUE INDEX keyed_runs ON runs(workspace, created_by, key_digest) WHERE key_digest IS NOT NULL;
CREATE INDEX turns ON runs(workspace) WHERE status <> 0 AND is_dry = 0;
)sql";

constexpr const char* kSteps[] = {kVersion1, kVersion2, kVersion3};
static_assert(std::size(kSteps) == kNewest);

Status NotOurs(std::string message) { return Error(Code::kCorrupt, "runbell.db: " + std::move(message)); }

Status CheckOrigin(Db& db, int64_t version) {
  const int64_t application = db.Number("PRAGMA application_id");
  const int64_t tables = db.Number("SELECT count(*) FROM sqlite_schema");
  if (!db.ok()) return db.TakeError();
  if (version > kNewest) {
    return NotOurs("made by a newer version of runbell (its tables have version " + std::to_string(version) +
                   ", this program knows " + std::to_string(kNewest) + ")");
  }
  if (application != kApplicationId && (application != 0 || tables > 0)) return NotOurs("not a database of runbell");
  return {};
}

}  // namespace

Status PrepareSchema(Db& db) {
  const int64_t version = db.Number("PRAGMA user_version");
  RB_TRY(CheckOrigin(db, version));
  // Before the first table, or it has no effect.
  if (version == 0) db.Run("PRAGMA auto_vacuum=INCREMENTAL");
  db.Run("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA journal_size_limit=67108864");
  for (int64_t step = version; step < kNewest; ++step) {
    db.Run("BEGIN IMMEDIATE");
    db.Run(kSteps[step]);
    db.Run("PRAGMA application_id=" + std::to_string(kApplicationId) +
           "; PRAGMA user_version=" + std::to_string(step + 1));
    db.Run("COMMIT");
    if (!db.ok()) {
      Error error = db.TakeError();
      db.Run("ROLLBACK");
      if (!db.ok()) (void)db.TakeError();
      return std::move(error).In("prepare the tables");
    }
  }
  if (!db.ok()) return db.TakeError();
  return {};
}

}  // namespace store
