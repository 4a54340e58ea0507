#include "support/manual_clock.h"

#include <algorithm>

#include "base/log.h"

namespace testing_support {

using base::Micros;
using base::MonoTime;
using base::WallTime;

namespace {

// Where Mono() begins: not 0, so that a mono time taken for a wall time, or the other way round, shows.
constexpr MonoTime kMonoStart{std::chrono::hours(1)};

}  // namespace

ManualClock::ManualClock(WallTime start) : now_(start), start_(start), overdue_([this] { RunOverdue(); }) {}

ManualClock::~ManualClock() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  overdue_.join();
}

WallTime ManualClock::Now() const {
  std::lock_guard lock(mutex_);
  return now_;
}

MonoTime ManualClock::Mono() const {
  std::lock_guard lock(mutex_);
  return kMonoStart + (now_ - start_);
}

base::Clock::TimerId ManualClock::CallAt(WallTime when, Callback callback) { return Add(when, std::move(callback)); }

base::Clock::TimerId ManualClock::CallAt(MonoTime when, Callback callback) {
  // "Never" may be the largest time there is: adding the start to it would wrap.
  Micros room = WallTime::max() - start_;
  Micros until = std::clamp(when, kMonoStart, MonoTime(room)) - kMonoStart;
  return Add(start_ + until, std::move(callback));
}

base::Clock::TimerId ManualClock::Add(WallTime due, Callback callback) {
  std::lock_guard lock(mutex_);
  TimerId id = ++last_id_;
  timers_.emplace(Key{due, id}, std::move(callback));
  due_.emplace(id, due);
  changed_.notify_all();
  return id;
}

void ManualClock::Cancel(TimerId timer) {
  Callback dropped;  // destroyed after the lock: it may own something that calls back
  std::unique_lock lock(mutex_);
  if (auto found = due_.find(timer); found != due_.end()) {
    auto node = timers_.extract(Key{found->second, timer});
    dropped = std::move(node.mapped());
    due_.erase(found);
    changed_.notify_all();
  } else if (running_ == timer && timer != 0 && runner_ != std::this_thread::get_id()) {
    changed_.wait(lock, [&] { return running_ != timer; });
  }
}

void ManualClock::Advance(Micros by) { AdvanceTo(Now() + by); }

void ManualClock::AdvanceTo(WallTime target) {
  std::unique_lock lock(mutex_);
  RB_CHECK(!busy_ || runner_ != std::this_thread::get_id());
  changed_.wait(lock, [&] { return !busy_; });
  RunUntil(lock, std::max(target, now_));
}

bool ManualClock::AdvanceToNext() {
  Settle();
  auto next = NextDue();
  if (!next) return false;
  AdvanceTo(*next);
  return true;
}

void ManualClock::Settle() { AdvanceTo(WallTime::min()); }

size_t ManualClock::PendingTimers() const {
  std::lock_guard lock(mutex_);
  return timers_.size();
}

std::optional<WallTime> ManualClock::NextDue() const {
  std::lock_guard lock(mutex_);
  if (timers_.empty()) return std::nullopt;
  return timers_.begin()->first.first;
}

bool ManualClock::WaitForTimers(size_t count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return timers_.size() >= count; });
}

void ManualClock::RunUntil(std::unique_lock<std::mutex>& lock, WallTime limit) {
  busy_ = true;
  runner_ = std::this_thread::get_id();
  while (!timers_.empty() && timers_.begin()->first.first <= limit && !stopping_) {
    auto node = timers_.extract(timers_.begin());
    now_ = std::max(now_, node.key().first);
    running_ = node.key().second;
    due_.erase(running_);
    lock.unlock();
    node.mapped()();
    node.mapped() = nullptr;
    lock.lock();
    running_ = 0;
    changed_.notify_all();
  }
  now_ = std::max(now_, limit);
  busy_ = false;
  runner_ = {};
  changed_.notify_all();
}

void ManualClock::RunOverdue() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return stopping_ || (!busy_ && IsDue()); });
    if (stopping_) return;
    RunUntil(lock, now_);
  }
}

}  // namespace testing_support
