// Deadline: one instant on an I/O thread at which something is to happen, cheap to move on every request.
//
// All deadlines of a thread share one timer of the Clock, armed for the earliest. Moving a deadline to a later time, or
// clearing it, only writes a field: its place in the queue is corrected when that place comes up. So the timer may fire
// with nothing to do.
#pragma once

#include <functional>
#include <set>
#include <utility>

#include "net/net.h"

namespace net {

class DeadlineQueue;

// Everything, the destructor included, on the I/O thread (or when that thread has ended).
class Deadline {
 public:
  Deadline(IoThread& io, std::function<void()> expired);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  void Set(base::MonoTime when);  // instead of an earlier setting; expires once
  void Clear() { when_ = kNever; }

  static constexpr base::MonoTime kNever = base::MonoTime::max();

 private:
  friend class DeadlineQueue;
  DeadlineQueue& queue_;
  std::function<void()> expired_;
  base::MonoTime when_ = kNever;
  base::MonoTime queued_ = kNever;  // the key in the queue; kNever: not in it
};

class DeadlineQueue {
 public:
  // `post` brings work onto the I/O thread from the clock's.
  DeadlineQueue(base::Clock& clock, std::function<void(std::function<void()>)> post)
      : clock_(clock), post_(std::move(post)) {}
  ~DeadlineQueue() { clock_.Cancel(timer_); }

  void Insert(Deadline& deadline, base::MonoTime when);
  void Remove(Deadline& deadline);

 private:
  void Arm();
  void Expire();

  base::Clock& clock_;
  std::function<void(std::function<void()>)> post_;
  std::set<std::pair<base::MonoTime, Deadline*>> queue_;
  base::Clock::TimerId timer_ = 0;
  base::MonoTime armed_for_ = Deadline::kNever;
};

}  // namespace net
