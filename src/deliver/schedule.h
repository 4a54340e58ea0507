// Schedule: whose turn it is. Waiting deliveries in one queue per endpoint, endpoints taking turns, limits of requests
// under way per endpoint, per host and in all. No I/O, no clock: the caller says what time it is. One thread.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"

namespace deliver {

class Schedule {
 public:
  struct Limits {
    int per_host = 64;
    int in_all = 4096;
  };
  struct Job {
    base::DeliveryId id;
    base::WallTime due;
  };
  // What is known of an endpoint. Nothing is taken for one that is unknown or not open.
  struct Gate {
    bool open = false;
    std::string host;           // shares the limit per host
    int limit = 1;              // under way at once
    base::WallTime held_until;  // nothing before
  };
  struct Host {
    int in_flight = 0;
    std::deque<base::EndpointId> parked;  // wait for a slot of this host
  };
  // A delivery that holds its slots until it is given to Release or PutBack.
  struct Taken {
    Job job;
    base::EndpointId endpoint;
    std::shared_ptr<Host> host;
  };

  explicit Schedule(Limits limits) : limits_(limits) {}

  void Add(base::EndpointId endpoint, Job job, base::WallTime now);
  void SetGate(base::EndpointId endpoint, Gate gate, base::WallTime now);
  void SetLimit(base::EndpointId endpoint, int limit);
  // Nothing before `until`, whatever the gate says, until it is known to say the same.
  void Hold(base::EndpointId endpoint, base::WallTime until);
  void EndHold(base::EndpointId endpoint);
  // Its gate has to be learned again.
  void Forget(base::EndpointId endpoint);
  // Its waiting deliveries are no more.
  void Drop(base::EndpointId endpoint);

  // Lets time pass: what has become due may be taken.
  void Advance(base::WallTime now);
  std::optional<Taken> Take();
  bool MayBegin(const Taken& taken) const;  // the gate is still open: it may have closed since it was taken
  void Release(const Taken& taken);
  void PutBack(const Taken& taken);  // among the first of its queue, the oldest before the others

  // Endpoints with work whose gate is unknown; each is named once until it is forgotten again.
  std::vector<base::EndpointId> TakeUnknown();
  // When Advance will next have something to do.
  std::optional<base::WallTime> NextWake() const;
  size_t waiting() const { return waiting_; }
  int in_flight() const { return in_flight_; }

 private:
  struct Later {
    base::WallTime due;
    base::DeliveryId id;
    bool operator>(const Later& other) const { return std::tie(due, id) > std::tie(other.due, other.id); }
  };
  struct Queue {
    base::EndpointId id;
    std::deque<Job> ready;
    std::priority_queue<Later, std::vector<Later>, std::greater<>> later;
    bool known = false, asked = false;
    Gate gate;
    base::WallTime hold;
    std::shared_ptr<Host> host;
    int in_flight = 0;
    bool in_turns = false, parked = false;
    std::optional<base::WallTime> wake;
  };

  Queue& At(base::EndpointId endpoint);
  Queue* Find(base::EndpointId endpoint);
  bool IsOpen(const Queue& queue) const;
  bool MayTake(const Queue& queue) const;
  void Offer(Queue& queue);
  void SetWake(Queue& queue);
  void Unpark(Host& host);
  void FreeSlots(const Taken& taken);

  Limits limits_;
  base::WallTime now_{};
  std::unordered_map<base::EndpointId, std::unique_ptr<Queue>> queues_;
  std::unordered_map<std::string, std::weak_ptr<Host>> hosts_;
  std::deque<base::EndpointId> turns_;
  std::set<std::pair<base::WallTime, base::EndpointId>> wakes_;
  std::vector<base::EndpointId> unknown_;
  size_t waiting_ = 0;
  int in_flight_ = 0;
};

}  // namespace deliver
