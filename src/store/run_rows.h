// Rows of runs, as the verbs that move them need them.
#pragma once

#include <optional>
#include <string>

#include "store/resources.h"

namespace store {

// A run without regard to who asks, with the names and places that a move needs.
struct StoredRun {
  Run run;
  base::EventId last_event;
  base::WallTime last_seen_at;
  bool workspace_lives = true;
};
std::optional<StoredRun> FindRun(Reading r, base::RunId id);
// Writes what a move may change, and `changes` when it is given.
void WriteRun(Writing& w, const StoredRun& stored, bool changes_too);

// What is kept of the keys that clients choose.
int64_t DigestOfKey(std::string_view key);

// Notes the first time at which a status was reached.
void Reach(Run& run, run::Status status, base::WallTime at);

// How many runs of the workspace come before one that is pending; none for those that do not queue.
void ReadPosition(Db& db, Run& run);

}  // namespace store
