#include "store/purge.h"

#include <vector>

#include "store/resources.h"

namespace store {

using base::Result;
using base::WallTime;

namespace {

constexpr int kEvents = 200;
constexpr int kChanges = 1000;
constexpr int kPages = 256;
constexpr int64_t kHoursKept = 8 * 24;  // statistics go back a week

// Whether any delivery of the event, a later resend included, still waits or was tried since the cutoff.
bool InUse(Db& db, base::EventId event, WallTime cutoff) {
  return db.Number(
             "SELECT 1 FROM deliveries WHERE run = (SELECT run FROM events WHERE id = ?1) AND event = ?1 AND (status = "
             "0 OR "
             "last_attempt_at >= ?2) LIMIT 1",
             event, cutoff) != 0;
}

void RemoveBodies(Db& db, base::EventId event) {
  std::vector<int64_t> chains;
  {
    Rows rows = db.Query(
        "SELECT last_attempt FROM deliveries WHERE run = (SELECT run FROM events WHERE id = ?1) AND event = ?1 AND "
        "last_attempt <> 0",
        event);
    while (rows.Next()) chains.push_back(rows.Get<int64_t>(0));
  }
  for (int64_t at : chains) {
    while (at != 0) {
      const int64_t previous = db.Number("SELECT previous FROM attempts WHERE id = ?", at);
      db.Exec("DELETE FROM attempts WHERE id = ?", at);
      at = previous;
    }
  }
  db.Exec(
      "UPDATE deliveries SET last_attempt = 0 WHERE run = (SELECT run FROM events WHERE id = ?1) AND event = ?1 AND "
      "last_attempt <> 0",
      event);
  db.Exec("UPDATE events SET body = NULL, body_hyphen = NULL WHERE id = ?", event);
}

std::vector<base::EventId> ReadEvents(Rows rows) {
  std::vector<base::EventId> events;
  while (rows.Next()) events.push_back(rows.Get<base::EventId>(0));
  return events;
}

// Events are looked at once, in their order; those in use are put aside and looked at again each round.
int PurgeBodies(Writing& w, WallTime cutoff) {
  const auto at = w.db.Number("SELECT value FROM meta WHERE name = 'purged to'");
  const auto next = ReadEvents(w.db.Query("SELECT id FROM events WHERE id > ? AND id < ? ORDER BY id LIMIT ?", at,
                                          base::FirstIdAt(cutoff), kEvents));
  for (base::EventId event : next) {
    if (InUse(w.db, event, cutoff)) {
      w.db.Exec("INSERT OR IGNORE INTO purge_later VALUES (?)", event);
    } else {
      RemoveBodies(w.db, event);
    }
  }
  if (!next.empty()) w.db.Exec("INSERT OR REPLACE INTO meta VALUES ('purged to', ?)", next.back());
  return static_cast<int>(next.size());
}

int PurgePutAside(Writing& w, WallTime cutoff) {
  const auto at = w.db.Number("SELECT value FROM meta WHERE name = 'put aside to'");
  const auto next =
      ReadEvents(w.db.Query("SELECT event FROM purge_later WHERE event > ? ORDER BY event LIMIT ?", at, kEvents));
  int removed = 0;
  for (base::EventId event : next) {
    if (InUse(w.db, event, cutoff)) continue;
    RemoveBodies(w.db, event);
    w.db.Exec("DELETE FROM purge_later WHERE event = ?", event);
    ++removed;
  }
  const bool round_done = next.size() < kEvents;
  if (at != 0 || !next.empty()) {
    w.db.Exec("INSERT OR REPLACE INTO meta VALUES ('put aside to', ?)", round_done ? base::EventId() : next.back());
  }
  return round_done ? removed : kEvents;
}

// The newest change always stays: its number must not be given out again.
int PurgeChanges(Writing& w, WallTime cutoff) {
  w.db.Exec(
      "DELETE FROM changes WHERE sequence <= (SELECT max(sequence) FROM (SELECT sequence, at FROM changes WHERE "
      "sequence < ? "
      "ORDER BY sequence LIMIT ?) WHERE at < ?)",
      w.last_change, kChanges, cutoff);
  return static_cast<int>(w.db.changed());
}

int PurgeKeys(Writing& w, WallTime cutoff) {
  w.db.Exec(
      "DELETE FROM transition_keys WHERE (run, digest) IN (SELECT run, digest FROM transition_keys WHERE run < ? ORDER "
      "BY run LIMIT ?)",
      base::FirstIdAt(cutoff), kChanges);
  return static_cast<int>(w.db.changed());
}

}  // namespace

Result<bool> PurgeBatch(Writing& w) {
  const Options& options = w.shared.options;
  EndRotations(w);
  const WallTime cutoff = w.now - options.keep_bodies;
  const bool bodies = PurgeBodies(w, cutoff) >= kEvents;
  const bool put_aside = PurgePutAside(w, cutoff) >= kEvents;
  const bool changes = PurgeChanges(w, w.now - options.keep_changes) >= kChanges;
  const bool keys = PurgeKeys(w, cutoff) >= kChanges;
  const auto hour = std::chrono::floor<std::chrono::hours>(w.now).time_since_epoch().count();
  w.db.Exec("DELETE FROM webhook_hours WHERE hour < ?", hour - kHoursKept);
  const auto free_pages = w.db.Number("PRAGMA freelist_count");
  if (free_pages > 0) w.db.Run("PRAGMA incremental_vacuum(" + std::to_string(kPages) + ")");
  return bodies || put_aside || changes || keys || free_pages > kPages;
}

}  // namespace store
