#include "base/clock.h"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <utility>

namespace base {
namespace {

// A wall clock can be set at any time, and nothing tells us.
constexpr Micros kWallCheck = std::chrono::seconds(30);
// The longest sleep: far deadlines ("never") stay clear of overflow.
constexpr Micros kLongestWait = std::chrono::hours(1);

class RealClock : public Clock {
 public:
  RealClock() : thread_([this] { Run(); }) { pthread_setname_np(thread_.native_handle(), "rb-clock"); }
  ~RealClock() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  WallTime Now() const override { return std::chrono::floor<Micros>(std::chrono::system_clock::now()); }
  MonoTime Mono() const override {
    return MonoTime(std::chrono::floor<Micros>(std::chrono::steady_clock::now().time_since_epoch()));
  }

  TimerId CallAt(WallTime when, Callback callback) override {
    WallTime now = Now();
    MonoTime look_at = Mono() + (when <= now ? Micros(0) : std::min(when - now, kWallCheck));
    return Add(wall_timers_, when, std::move(callback), look_at);
  }
  TimerId CallAt(MonoTime when, Callback callback) override {
    return Add(mono_timers_, when, std::move(callback), when);
  }
  void Cancel(TimerId timer) override;

 private:
  template <class Time>
  using Timers = std::map<std::pair<Time, TimerId>, Callback>;
  struct Due {
    std::optional<WallTime> wall;  // unset: a mono timer
    MonoTime mono;
  };
  static Due MakeDue(WallTime t) { return {t, {}}; }
  static Due MakeDue(MonoTime t) { return {std::nullopt, t}; }

  template <class Time>
  TimerId Add(Timers<Time>& timers, Time when, Callback callback, MonoTime look_at);
  template <class Time>
  bool RunFirst(std::unique_lock<std::mutex>& lock, Timers<Time>& timers, Time now);
  MonoTime NextLook() const;
  void Run();

  std::mutex mutex_;
  std::condition_variable wake_;  // the thread waits for timers
  std::condition_variable ran_;   // Cancel waits for a callback
  Timers<WallTime> wall_timers_;
  Timers<MonoTime> mono_timers_;
  std::unordered_map<TimerId, Due> due_;
  TimerId last_id_ = 0;
  TimerId running_ = 0;
  MonoTime look_at_ = MonoTime::max();  // when the thread looks next; only an earlier timer wakes it
  bool stopping_ = false;
  std::thread thread_;
};

template <class Time>
Clock::TimerId RealClock::Add(Timers<Time>& timers, Time when, Callback callback, MonoTime look_at) {
  std::unique_lock lock(mutex_);
  TimerId id = ++last_id_;
  timers.emplace(std::pair(when, id), std::move(callback));
  due_.emplace(id, MakeDue(when));
  bool wake = look_at < look_at_;
  if (wake) look_at_ = look_at;
  lock.unlock();
  if (wake) wake_.notify_one();
  return id;
}

void RealClock::Cancel(TimerId timer) {
  Callback dropped;  // destroyed after the lock: what it owns may call back
  std::unique_lock lock(mutex_);
  if (auto found = due_.find(timer); found != due_.end()) {
    const Due& due = found->second;
    if (due.wall) {
      dropped = std::move(wall_timers_.extract({*due.wall, timer}).mapped());
    } else {
      dropped = std::move(mono_timers_.extract({due.mono, timer}).mapped());
    }
    due_.erase(found);
  } else if (timer != 0 && running_ == timer && std::this_thread::get_id() != thread_.get_id()) {
    ran_.wait(lock, [&] { return running_ != timer; });
  }
}

// Runs the first timer when it is due; false when there is none.
template <class Time>
bool RealClock::RunFirst(std::unique_lock<std::mutex>& lock, Timers<Time>& timers, Time now) {
  if (timers.empty() || timers.begin()->first.first > now) return false;
  auto node = timers.extract(timers.begin());
  running_ = node.key().second;
  due_.erase(running_);
  lock.unlock();
  node.mapped()();
  node.mapped() = nullptr;
  lock.lock();
  running_ = 0;
  ran_.notify_all();
  return true;
}

MonoTime RealClock::NextLook() const {
  MonoTime now = Mono();
  MonoTime next = now + kLongestWait;
  if (!mono_timers_.empty()) next = std::min(next, mono_timers_.begin()->first.first);
  if (!wall_timers_.empty()) {
    WallTime wall = Now();
    WallTime first = wall_timers_.begin()->first.first;
    next = std::min(next, now + (first <= wall ? Micros(0) : std::min(first - wall, kWallCheck)));
  }
  return next;
}

void RealClock::Run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    // One of each in turn, so that a flood of one kind does not starve the other.
    bool ran_mono = RunFirst(lock, mono_timers_, Mono());
    bool ran_wall = RunFirst(lock, wall_timers_, Now());
    if (ran_mono || ran_wall || stopping_) continue;
    look_at_ = NextLook();
    MonoTime planned = look_at_;
    std::chrono::steady_clock::time_point until(planned.time_since_epoch());
    wake_.wait_until(lock, until, [&] { return stopping_ || look_at_ < planned; });
    look_at_ = MonoTime::min();  // awake: nobody needs to wake it
  }
}

}  // namespace

std::unique_ptr<Clock> MakeRealClock() { return std::make_unique<RealClock>(); }

struct Signal::State {
  std::mutex mutex;
  std::condition_variable changed;
  bool raised = false;
};

Signal::Signal() : state_(std::make_shared<State>()) {}
Signal::~Signal() = default;

void Signal::Raise() {
  auto state = state_;  // who was waiting may let the Signal go as soon as the flag is up
  {
    std::lock_guard lock(state->mutex);
    state->raised = true;
  }
  state->changed.notify_all();
}

bool Signal::WaitUntil(Clock& clock, MonoTime deadline) {
  bool expired = false;
  Clock::TimerId timer = clock.CallAt(deadline, [&expired, state = state_] {
    {
      std::lock_guard lock(state->mutex);
      expired = true;
    }
    state->changed.notify_all();
  });
  bool raised;
  {
    std::unique_lock lock(state_->mutex);
    state_->changed.wait(lock, [&] { return state_->raised || expired; });
    raised = state_->raised;
  }
  clock.Cancel(timer);  // after this nobody holds `expired`
  return raised;
}

void Signal::Wait() {
  std::unique_lock lock(state_->mutex);
  state_->changed.wait(lock, [&] { return state_->raised; });
}

}  // namespace base
