// Clock: the one source of time, which also owns all waiting.
//
// Wall time is what is stored, signed and shown. Mono time never jumps and is for deadlines of I/O. Both advance
// together. Nothing else in the program reads the machine's clocks or sleeps, so a test that holds a ManualClock
// decides when anything times out, is retried or expires.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

namespace base {

using Micros = std::chrono::microseconds;
using WallTime = std::chrono::sys_time<Micros>;
struct MonoTag {
  using rep = int64_t;
  using period = std::micro;
  using duration = Micros;
  using time_point = std::chrono::time_point<MonoTag>;
  static constexpr bool is_steady = true;
};
using MonoTime = std::chrono::time_point<MonoTag, Micros>;

class Clock {
 public:
  using TimerId = uint64_t;  // never 0
  using Callback = std::function<void()>;

  virtual ~Clock() = default;
  virtual WallTime Now() const = 0;
  virtual MonoTime Mono() const = 0;

  // Calls `callback` once, on the clock's own thread, when the time has come; at once if it is past. Callbacks must be
  // short and must not block: they hand over to whoever does the work. Any thread may call.
  virtual TimerId CallAt(WallTime when, Callback callback) = 0;
  virtual TimerId CallAt(MonoTime when, Callback callback) = 0;
  // After Cancel returns the callback is not running and will not run, unless Cancel is called from within it.
  // A timer that already ran, or 0, is fine.
  virtual void Cancel(TimerId timer) = 0;
};

// The machine's clocks. Wall-time timers are looked at again at least every 30 s, so they follow a clock that is set.
std::unique_ptr<Clock> MakeRealClock();

// A flag that one thread waits for and others raise. It stays raised.
class Signal {
 public:
  Signal();
  ~Signal();
  void Raise();
  // True when raised, false when `deadline` came first.
  bool WaitUntil(Clock& clock, MonoTime deadline);
  void Wait();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace base
