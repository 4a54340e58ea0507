// What a verb that writes works with; it lives on the writer's thread.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/ids.h"
#include "base/principal.h"
#include "hook/hook.h"
#include "store/feed.h"
#include "store/rows.h"
#include "store/seal.h"
#include "store/sqlite.h"
#include "store/store.h"

namespace store {

inline constexpr int64_t kAccount = 1;  // the only one

// What all threads may read.
struct Shared {
  Shared(base::Clock& c, Options o, Sealer s)
      : clock(c), opened_at(c.Now()), options(std::move(o)), sealer(std::move(s)) {}
  base::Clock& clock;
  const base::WallTime opened_at;
  const Options options;
  const Sealer sealer;
  Account account;
  int64_t epoch = 0;
  base::Guarded<std::string> external_url;
};

// Counts that many deliveries of one group add to, so that a row is written once per group.
class Sums {
 public:
  void EventAccepted() { ++totals_.events; }
  void Accepted(base::WebhookId webhook, base::DeliveryId delivery, base::WallTime now);
  void Moved(base::WebhookId webhook, base::DeliveryId delivery, DeliveryStatus from, DeliveryStatus to);
  void Write(Db& db);  // and start from zero

 private:
  struct Hour {
    int64_t accepted = 0, delivered = 0, failed = 0;
  };
  Hour& HourOf(base::WebhookId webhook, base::DeliveryId delivery);
  std::map<std::pair<int64_t, int64_t>, Hour> hours_;
  std::unordered_map<base::WebhookId, base::WallTime> triggered_;
  Totals totals_;
};

// A webhook that hears the events of a workspace.
struct Listener {
  base::WebhookId webhook;
  std::string name;
  bool enabled = true;
  int64_t events = 0;  // a bit per kind
  base::EndpointId endpoint;
  EndpointState state = EndpointState::kActive;
  hook::PayloadForm form = hook::PayloadForm::kUnderscore;
};

// What an event in a workspace needs to know of it.
struct Surroundings {
  base::WorkspaceId workspace;
  base::EnvironmentId environment;
  std::string workspace_name, environment_name;
  int64_t next_sequence = 1;
  bool sequence_taken = false;  // since the last Write
  std::vector<Listener> listeners;
};

struct Health {
  base::Place place;
  EndpointState state = EndpointState::kActive;
  int failures_in_a_row = 0;
};

// Kept from group to group; void once a resource changes.
class Caches {
 public:
  // Null when the workspace is gone.
  Surroundings* SurroundingsOf(Db& db, base::WorkspaceId id);
  Health* HealthOf(Db& db, base::EndpointId id);
  int64_t TakeSequence(Surroundings& here);
  void Write(Db& db);  // the sequences that were taken
  void Clear();        // after Write, or after a rollback

 private:
  std::unordered_map<base::WorkspaceId, Surroundings> surroundings_;
  std::vector<base::WorkspaceId> taken_;
  std::unordered_map<base::EndpointId, Health> health_;
};

struct Writing {
  Writing(Db& d, Shared& s, base::Random& r) : db(d), shared(s), random(r), ids(s.clock, r) {}

  Db& db;
  Shared& shared;
  base::Random& random;
  base::WallTime now;  // of this verb
  base::IdMaker ids;
  int64_t last_id = 0;  // never handed out twice, also when the clock was set back since the last opening
  int64_t last_change = 0;
  int unlisted = 0;  // deliveries that delivery_lists lacks; a few too many after something was undone
  Committed committed;
  Sums sums;
  Caches caches;
  bool tokens_changed = false;

  template <class T>
  T NewId() {
    last_id = std::max(ids.Make<T>().value, last_id + 1);
    return T{last_id};
  }
  // What a verb that is undone must give back.
  struct Mark {
    int64_t last_change;
    Committed committed;
    Sums sums;
    bool tokens_changed;
  };
  Mark TakeMark() const { return {last_change, committed, sums, tokens_changed}; }
  void Return(const Mark& mark);

  void Note(const base::Principal& who, const NewChange& change);
  // A resource was changed that events or attempts depend on.
  void ResourcesChanged();
};

// For verbs that read what they need before they write: one that met a damaged row until then fails alone, as there is
// nothing to undo. Unlike a savepoint this costs nothing while all is well.
template <class Verb>
auto FailingAlone(Writing& w, Verb verb) -> decltype(verb()) {
  const int64_t before = w.db.all_changed();
  auto result = verb();
  if (!w.db.ok() && w.db.is_local() && w.db.all_changed() == before) {
    result = w.db.TakeError();
    w.ResourcesChanged();  // what was read along the way may be half of it
  }
  return result;
}

// Fails waiting deliveries; `where` is a condition over `deliveries`. Returns how many.
int FailWaiting(Writing& w, const base::Principal& who, const std::string& where, int64_t value, hook::Why why);

// kNotFound in the words of the API, and kDenied.
base::Error NotFoundError(std::string_view what, const std::string& id);
template <class Kind>
base::Error NotFound(std::string_view what, base::Id<Kind> id) {
  return NotFoundError(what, Format(id));
}
base::Error Denied(std::string_view doing);

}  // namespace store
