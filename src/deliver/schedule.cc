#include "deliver/schedule.h"

#include <algorithm>
#include <utility>

namespace deliver {

Schedule::Queue& Schedule::At(base::EndpointId endpoint) {
  auto& slot = queues_[endpoint];
  if (!slot) {
    slot = std::make_unique<Queue>();
    slot->id = endpoint;
  }
  return *slot;
}

Schedule::Queue* Schedule::Find(base::EndpointId endpoint) {
  auto found = queues_.find(endpoint);
  return found == queues_.end() ? nullptr : found->second.get();
}

bool Schedule::IsOpen(const Queue& queue) const {
  return queue.known && queue.gate.open && std::max(queue.gate.held_until, queue.hold) <= now_;
}

bool Schedule::MayTake(const Queue& queue) const {
  return IsOpen(queue) && !queue.ready.empty() && queue.in_flight < queue.gate.limit;
}

bool Schedule::MayBegin(const Taken& taken) const { return IsOpen(*queues_.at(taken.endpoint)); }

void Schedule::Offer(Queue& queue) {
  if (!queue.known && !queue.asked && !(queue.ready.empty() && queue.later.empty())) {
    queue.asked = true;
    unknown_.push_back(queue.id);
  }
  if (!queue.in_turns && !queue.parked && MayTake(queue)) {
    queue.in_turns = true;
    turns_.push_back(queue.id);
  }
}

void Schedule::SetWake(Queue& queue) {
  std::optional<base::WallTime> wake;
  if (!queue.later.empty()) wake = queue.later.top().due;
  const base::WallTime held_until = std::max(queue.gate.held_until, queue.hold);
  if (queue.known && held_until > now_ && !queue.ready.empty()) wake = wake ? std::min(*wake, held_until) : held_until;
  if (wake == queue.wake) return;
  if (queue.wake) wakes_.erase({*queue.wake, queue.id});
  if (wake) wakes_.insert({*wake, queue.id});
  queue.wake = wake;
}

void Schedule::Add(base::EndpointId endpoint, Job job, base::WallTime now) {
  now_ = std::max(now_, now);
  Queue& queue = At(endpoint);
  ++waiting_;
  if (job.due <= now_) {
    queue.ready.push_back(job);
  } else {
    queue.later.push({job.due, job.id});
  }
  SetWake(queue);
  Offer(queue);
}

void Schedule::SetGate(base::EndpointId endpoint, Gate gate, base::WallTime now) {
  now_ = std::max(now_, now);
  Queue& queue = At(endpoint);
  if (hosts_.size() > 64 + 2 * queues_.size()) {
    std::erase_if(hosts_, [](const auto& entry) { return entry.second.expired(); });
  }
  std::weak_ptr<Host>& known_host = hosts_[gate.host];
  auto host = known_host.lock();
  if (!host) known_host = host = std::make_shared<Host>();
  queue.host = std::move(host);
  queue.gate = std::move(gate);
  queue.known = true;
  SetWake(queue);
  Offer(queue);
}

void Schedule::SetLimit(base::EndpointId endpoint, int limit) {
  if (Queue* queue = Find(endpoint)) {
    queue->gate.limit = limit;
    Offer(*queue);
  }
}

void Schedule::Hold(base::EndpointId endpoint, base::WallTime until) {
  if (Queue* queue = Find(endpoint)) {
    queue->hold = std::max(queue->hold, until);
    SetWake(*queue);
  }
}

void Schedule::EndHold(base::EndpointId endpoint) {
  if (Queue* queue = Find(endpoint)) {
    queue->hold = {};
    SetWake(*queue);
    Offer(*queue);
  }
}

void Schedule::Forget(base::EndpointId endpoint) {
  if (Queue* queue = Find(endpoint)) {
    queue->known = queue->asked = false;
    SetWake(*queue);
    Offer(*queue);
  }
}

void Schedule::Drop(base::EndpointId endpoint) {
  Queue* queue = Find(endpoint);
  if (!queue) return;
  waiting_ -= queue->ready.size() + queue->later.size();
  queue->ready.clear();
  queue->later = {};
  SetWake(*queue);
}

void Schedule::Advance(base::WallTime now) {
  now_ = std::max(now_, now);
  while (!wakes_.empty() && wakes_.begin()->first <= now_) {
    Queue& queue = *Find(wakes_.begin()->second);
    wakes_.erase(wakes_.begin());
    queue.wake.reset();
    while (!queue.later.empty() && queue.later.top().due <= now_) {
      queue.ready.push_back({queue.later.top().id, queue.later.top().due});
      queue.later.pop();
    }
    SetWake(queue);
    Offer(queue);
  }
}

std::optional<Schedule::Taken> Schedule::Take() {
  while (!turns_.empty() && in_flight_ < limits_.in_all) {
    Queue& queue = *Find(turns_.front());
    turns_.pop_front();
    queue.in_turns = false;
    if (!MayTake(queue)) {
      if (queue.host) Unpark(*queue.host);
      continue;
    }
    if (queue.host->in_flight >= limits_.per_host) {
      queue.parked = true;
      queue.host->parked.push_back(queue.id);
      continue;
    }
    Taken taken{queue.ready.front(), queue.id, queue.host};
    queue.ready.pop_front();
    --waiting_;
    ++queue.in_flight;
    ++queue.host->in_flight;
    ++in_flight_;
    Offer(queue);
    return taken;
  }
  return std::nullopt;
}

// One that no longer has a use for the slot must not keep it from those behind it.
void Schedule::Unpark(Host& host) {
  while (!host.parked.empty() && host.in_flight < limits_.per_host) {
    Queue& next = At(host.parked.front());
    host.parked.pop_front();
    next.parked = false;
    Offer(next);
    if (next.in_turns) return;
  }
}

void Schedule::FreeSlots(const Taken& taken) {
  --At(taken.endpoint).in_flight;
  --taken.host->in_flight;
  --in_flight_;
  Unpark(*taken.host);
}

void Schedule::Release(const Taken& taken) {
  FreeSlots(taken);
  Offer(At(taken.endpoint));
}

void Schedule::PutBack(const Taken& taken) {
  FreeSlots(taken);
  Queue& queue = At(taken.endpoint);
  const auto older = [](const Job& a, const Job& b) { return std::tie(a.due, a.id) < std::tie(b.due, b.id); };
  const auto place =
      std::find_if(queue.ready.begin(), queue.ready.end(), [&](const Job& job) { return !older(job, taken.job); });
  queue.ready.insert(place, taken.job);
  ++waiting_;
  SetWake(queue);
  Offer(queue);
}

std::vector<base::EndpointId> Schedule::TakeUnknown() { return std::exchange(unknown_, {}); }

std::optional<base::WallTime> Schedule::NextWake() const {
  if (wakes_.empty()) return std::nullopt;
  return wakes_.begin()->first;
}

}  // namespace deliver
