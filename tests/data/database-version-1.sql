-- A database of version 1: one environment, one workspace, one run that is planning. Made by the program of that
-- version; the token and what was sealed are left out.
PRAGMA application_id=1383427682; PRAGMA user_version=1;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES('epoch',2);
CREATE TABLE accounts (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL) STRICT;
INSERT INTO accounts VALUES(1,'acc-v00pani90pd1hm8','main');
CREATE TABLE tokens (
  id INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts, name TEXT NOT NULL, description TEXT NOT NULL,
  grants TEXT NOT NULL, hash BLOB NOT NULL UNIQUE, expires_at INTEGER, last_used_at INTEGER,
  created_by INTEGER NOT NULL, created_at INTEGER NOT NULL, deleted_at INTEGER) STRICT;
CREATE TABLE environments (
  id INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts, name TEXT NOT NULL, extra TEXT,
  created_by INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, deleted_at INTEGER) STRICT;
INSERT INTO environments VALUES(912808276287356921,1,'production',NULL,912808266427672783,1795467252223933,1795467252223933,NULL);
CREATE TABLE workspaces (
  id INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts,
  environment INTEGER NOT NULL REFERENCES environments, name TEXT NOT NULL, auto_apply INTEGER NOT NULL, extra TEXT,
  next_sequence INTEGER NOT NULL DEFAULT 1,
  created_by INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, deleted_at INTEGER) STRICT;
INSERT INTO workspaces VALUES(912808276305992800,1,912808276287356921,'network',0,NULL,1,912808266427672783,1795467252229506,1795467252229506,NULL);
CREATE TABLE endpoints (
  id INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts, environment INTEGER NOT NULL,
  workspace INTEGER NOT NULL, name TEXT NOT NULL, url TEXT NOT NULL, seal_key INTEGER NOT NULL, secret BLOB NOT NULL,
  previous_secret BLOB, overlap_ends INTEGER, headers BLOB, max_attempts INTEGER NOT NULL, timeout_s INTEGER NOT NULL,
  form INTEGER NOT NULL, state INTEGER NOT NULL, state_reason TEXT NOT NULL, held_until INTEGER,
  failures_in_a_row INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, deleted_at INTEGER) STRICT;
CREATE TABLE webhooks (
  id INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES accounts, name TEXT NOT NULL, enabled INTEGER NOT NULL,
  endpoint INTEGER NOT NULL REFERENCES endpoints, events INTEGER NOT NULL, reach INTEGER NOT NULL,
  workspace INTEGER NOT NULL, last_triggered_at INTEGER,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, deleted_at INTEGER) STRICT;
CREATE TABLE webhook_environments (
  environment INTEGER NOT NULL REFERENCES environments, webhook INTEGER NOT NULL REFERENCES webhooks,
  PRIMARY KEY (environment, webhook)) STRICT, WITHOUT ROWID;
CREATE TABLE webhook_hours (
  webhook INTEGER NOT NULL, hour INTEGER NOT NULL, accepted INTEGER NOT NULL, delivered INTEGER NOT NULL,
  failed INTEGER NOT NULL, PRIMARY KEY (webhook, hour)) STRICT, WITHOUT ROWID;
CREATE TABLE runs (
  id INTEGER PRIMARY KEY, account INTEGER NOT NULL, workspace INTEGER NOT NULL, status INTEGER NOT NULL,
  reason INTEGER NOT NULL, lost_from INTEGER, auto_apply INTEGER NOT NULL, is_destroy INTEGER NOT NULL,
  is_dry INTEGER NOT NULL, has_changes INTEGER, driver INTEGER NOT NULL, cancel_requested INTEGER NOT NULL,
  plan_add INTEGER, plan_change INTEGER, plan_destroy INTEGER, plan_import INTEGER, changes_left_out INTEGER NOT NULL,
  last_event INTEGER NOT NULL, first_change INTEGER NOT NULL, created_by INTEGER NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, last_seen_at INTEGER NOT NULL, reached BLOB NOT NULL,
  source TEXT NOT NULL, message TEXT NOT NULL, error_summary TEXT NOT NULL, variables TEXT, extra TEXT) STRICT;
INSERT INTO runs VALUES(912808276323366474,1,912808276305992800,2,0,NULL,0,0,0,NULL,0,0,NULL,NULL,NULL,NULL,0,0,4,912808266427672783,1795467252233328,1795467252237129,1795467252237129,X'007074c6cbf7600600024983c6cbf7600600','cli','before','',NULL,NULL);
CREATE TABLE run_changes (run INTEGER PRIMARY KEY, changes TEXT NOT NULL) STRICT;
CREATE TABLE transition_keys (
  run INTEGER NOT NULL, digest INTEGER NOT NULL, event INTEGER NOT NULL, deliveries INTEGER NOT NULL,
  PRIMARY KEY (run, digest)) STRICT, WITHOUT ROWID;
INSERT INTO transition_keys VALUES(912808276323366474,-698013235227175806,0,0);
CREATE TABLE events (
  id INTEGER PRIMARY KEY, account INTEGER NOT NULL, run INTEGER NOT NULL, workspace INTEGER NOT NULL,
  sequence INTEGER NOT NULL, kind INTEGER NOT NULL, reason INTEGER NOT NULL, previous INTEGER NOT NULL,
  fired INTEGER NOT NULL, not_fired BLOB, body BLOB, body_hyphen BLOB) STRICT;
CREATE TABLE deliveries (
  id INTEGER PRIMARY KEY, account INTEGER NOT NULL, event INTEGER NOT NULL, run INTEGER NOT NULL,
  workspace INTEGER NOT NULL, webhook INTEGER NOT NULL, endpoint INTEGER NOT NULL, kind INTEGER NOT NULL,
  reason INTEGER NOT NULL, form INTEGER NOT NULL, webhook_name TEXT NOT NULL, status INTEGER NOT NULL,
  why INTEGER NOT NULL, attempts INTEGER NOT NULL, attempts_made INTEGER NOT NULL, own_faults INTEGER NOT NULL,
  epoch INTEGER NOT NULL, leased_until INTEGER, due INTEGER, last_attempt INTEGER NOT NULL, last_attempt_at INTEGER,
  outcome INTEGER, response_code INTEGER, resend_of INTEGER NOT NULL, triggered_by INTEGER NOT NULL) STRICT;
CREATE TABLE attempts (
  id INTEGER PRIMARY KEY, account INTEGER NOT NULL, previous INTEGER NOT NULL, number INTEGER NOT NULL,
  started_at INTEGER NOT NULL, outcome INTEGER NOT NULL, verb INTEGER NOT NULL, why INTEGER NOT NULL,
  attempts_used INTEGER NOT NULL, retry_at INTEGER, pause_until INTEGER, disabled INTEGER NOT NULL,
  resolve_us INTEGER, connect_us INTEGER, tls_us INTEGER, first_byte_us INTEGER, total_us INTEGER,
  response_code INTEGER NOT NULL, response_cut INTEGER NOT NULL, address TEXT, detail TEXT, request_headers BLOB,
  response_headers BLOB, response_body BLOB) STRICT;
CREATE TABLE changes (
  sequence INTEGER PRIMARY KEY, account INTEGER NOT NULL, at INTEGER NOT NULL, action INTEGER NOT NULL, target INTEGER,
  run INTEGER, actor INTEGER NOT NULL, environment INTEGER, workspace INTEGER, detail TEXT) STRICT;
INSERT INTO changes VALUES(1,1,1795467249873241,80,912808266427672783,NULL,0,0,0,'me');
INSERT INTO changes VALUES(2,1,1795467252223933,30,912808276287356921,NULL,912808266427672783,912808276287356921,0,'production');
INSERT INTO changes VALUES(3,1,1795467252229506,40,912808276305992800,NULL,912808266427672783,912808276287356921,912808276305992800,'network');
INSERT INTO changes VALUES(4,1,1795467252233328,1,NULL,912808276323366474,912808266427672783,NULL,NULL,NULL);
INSERT INTO changes VALUES(5,1,1795467252237129,102,NULL,912808276323366474,912808266427672783,NULL,NULL,NULL);
CREATE TABLE totals (
  account INTEGER PRIMARY KEY, events INTEGER NOT NULL, accepted INTEGER NOT NULL, delivered INTEGER NOT NULL,
  waiting INTEGER NOT NULL, failed INTEGER NOT NULL) STRICT;
INSERT INTO totals VALUES(1,0,0,0,0,0);
CREATE TABLE purge_later (event INTEGER PRIMARY KEY) STRICT;
CREATE UNIQUE INDEX environment_names ON environments(account, name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX workspace_names ON workspaces(environment, name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX endpoint_names ON endpoints(account, environment, workspace, name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX webhook_names ON webhooks(account, reach, workspace, name) WHERE deleted_at IS NULL AND reach <> 1;
CREATE INDEX webhooks_by_endpoint ON webhooks(endpoint) WHERE deleted_at IS NULL;
CREATE INDEX environments_of_webhook ON webhook_environments(webhook);
CREATE INDEX runs_by_workspace ON runs(workspace);
CREATE INDEX live_runs ON runs(workspace) WHERE status < 12;
CREATE INDEX queued_runs ON runs(workspace) WHERE status < 12 AND is_dry = 0 AND driver <> 2;
CREATE INDEX deliveries_by_run ON deliveries(run);
CREATE INDEX deliveries_by_webhook ON deliveries(webhook);
CREATE INDEX deliveries_by_workspace ON deliveries(workspace);
CREATE INDEX waiting_deliveries ON deliveries(endpoint, due) WHERE status = 0;
CREATE INDEX failed_deliveries ON deliveries(status) WHERE status = 2;
COMMIT;
