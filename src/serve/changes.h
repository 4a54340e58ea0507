// GET /changes: the change feed, with long polling.
//
// A request that finds nothing and may wait is parked without holding a thread. After a commit the feed is read once
// for all parked requests; only those that a new change concerns read again, as their own principal. The rest is the
// clock's.
#pragma once

#include <map>
#include <memory>

#include "base/clock.h"
#include "base/guarded.h"
#include "serve/call.h"
#include "serve/workers.h"

namespace serve {

// Answered by Polls: `after` (a sequence, or "last"), `wait` (seconds), filter[run], filter[kind], page[size].
void WaitForChanges(const CallPtr& call);

class Polls {
 public:
  Polls(store::Store& store, base::Clock& clock, Workers& workers);
  ~Polls();  // answers what is parked with 503

  struct Poll {
    CallPtr call;
    store::ChangesQuery query;
    base::MonoTime deadline;
    int64_t checked = 0;  // up to here nothing concerned it
    uint64_t token_generation = 0;
    base::Clock::TimerId timer = 0;
  };
  // On a worker. Answers at once or parks.
  void Handle(Poll poll);
  // The feed has grown to `last_change`. Any thread; does not block.
  void Notice(int64_t last_change);
  // Answers what is parked with what there is: nothing. From now on nothing is parked.
  void Release();
  size_t waiting();  // how many are parked

 private:
  struct State {
    std::map<uint64_t, Poll> parked;
    uint64_t last_id = 0;
    int64_t noticed = 0;
    bool sweeping = false;
    bool closed = false;
  };
  void Park(Poll poll);
  void StartSweep();
  void Sweep();
  void Expire(uint64_t id);
  void EndAll(const std::function<void(Poll&)>& end);
  std::vector<Poll> TakeConcerned(int64_t up_to, const std::vector<store::Change>& changes);
  base::Result<std::vector<store::Change>> ReadFeed(int64_t after, int64_t up_to);

  store::Store& store_;
  base::Clock& clock_;
  Workers& workers_;
  base::Guarded<State> state_;
};

}  // namespace serve
