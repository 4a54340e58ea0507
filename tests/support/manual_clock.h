// ManualClock: time that stands still until a test moves it.
//
// Callbacks run one at a time, in the order of their due times (then of their creation), each with Now() at its own due
// time. Advance runs them on the calling thread. A timer that is already due when it is set runs without the clock
// being moved: next in line when an Advance is under way, otherwise on a thread of the clock's own. It never runs
// inside CallAt, so a caller may hold its locks there.
//
// Advance, AdvanceTo, AdvanceToNext and Settle return when nothing is due any more; they must not be called from a
// callback, nor with a lock held that a callback takes. What a callback has handed over to another thread may still be
// going on then: wait for its effect, not for time to pass.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/clock.h"

namespace testing_support {

class ManualClock : public base::Clock {
 public:
  static constexpr base::WallTime kStart{std::chrono::sys_days{std::chrono::January / 1 / 2026}};

  explicit ManualClock(base::WallTime start = kStart);
  ~ManualClock() override;  // drops what is still waiting

  base::WallTime Now() const override;
  base::MonoTime Mono() const override;
  TimerId CallAt(base::WallTime when, Callback callback) override;
  TimerId CallAt(base::MonoTime when, Callback callback) override;
  void Cancel(TimerId timer) override;

  void Advance(base::Micros by);
  void AdvanceTo(base::WallTime target);  // the past is legal and moves nothing
  // Moves to the next due time and runs what is due then; false when no timer waits.
  bool AdvanceToNext();
  // Waits, without moving time, until nothing is due or running.
  void Settle();

  size_t PendingTimers() const;
  std::optional<base::WallTime> NextDue() const;
  // Blocks until another thread has brought the number of waiting timers to at least `count`. False after 30 real
  // seconds, which only a failing test sees.
  bool WaitForTimers(size_t count);

 private:
  using Key = std::pair<base::WallTime, TimerId>;
  TimerId Add(base::WallTime due, Callback callback);
  void RunUntil(std::unique_lock<std::mutex>& lock, base::WallTime limit);
  void RunOverdue();
  bool IsDue() const { return !timers_.empty() && timers_.begin()->first.first <= now_; }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  base::WallTime now_;
  const base::WallTime start_;
  std::map<Key, Callback> timers_;
  std::map<TimerId, base::WallTime> due_;
  TimerId last_id_ = 0;
  TimerId running_ = 0;
  bool busy_ = false;  // someone is running callbacks
  std::thread::id runner_;
  bool stopping_ = false;
  std::thread overdue_;
};

}  // namespace testing_support
