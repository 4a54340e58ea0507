// The contract of base::Clock, held against the machine's clock and against the tests' own.
#include "base/clock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "support/manual_clock.h"

namespace base {
namespace {

using std::chrono::milliseconds;
using testing_support::ManualClock;

enum class Kind { kReal, kManual };

class ClockContract : public testing::TestWithParam<Kind> {
 protected:
  ClockContract() {
    if (GetParam() == Kind::kManual) {
      auto manual = std::make_unique<ManualClock>();
      manual_ = manual.get();
      clock_ = std::move(manual);
    } else {
      clock_ = MakeRealClock();
    }
  }
  // Returns once `time` has passed, with everything done that was due before.
  void Pass(milliseconds time) {
    Signal passed;
    clock_->CallAt(clock_->Mono() + time, [&] { passed.Raise(); });
    if (manual_ != nullptr) manual_->Advance(time);
    passed.Wait();
  }

  ManualClock* manual_ = nullptr;
  std::unique_ptr<Clock> clock_;
};

TEST_P(ClockContract, BothTimesAdvanceTogether) {
  WallTime wall = clock_->Now();
  MonoTime mono = clock_->Mono();
  Pass(milliseconds(3));
  EXPECT_GE(clock_->Mono() - mono, milliseconds(3));
  EXPECT_GE(clock_->Now() - wall, milliseconds(2));
}

TEST_P(ClockContract, CallsInTheOrderOfTheDueTimesAndNotBefore) {
  Guarded<std::vector<int>> order;
  Signal last;
  MonoTime start = clock_->Mono();
  std::atomic<bool> early = false;
  auto note = [&](int n) {
    return [&, n] {
      order.Lock()->push_back(n);
      if (clock_->Mono() < start + milliseconds(n)) early = true;
    };
  };
  clock_->CallAt(start + milliseconds(9), [&] {
    note(9)();
    last.Raise();
  });
  clock_->CallAt(start + milliseconds(6), note(6));
  clock_->CallAt(start + milliseconds(3), note(3));
  if (manual_ != nullptr) manual_->Advance(milliseconds(20));
  last.Wait();
  EXPECT_EQ(*order.Lock(), (std::vector<int>{3, 6, 9}));
  EXPECT_FALSE(early);
}

TEST_P(ClockContract, WallTimersRun) {
  Signal ran;
  clock_->CallAt(clock_->Now() + milliseconds(3), [&] { ran.Raise(); });
  if (manual_ != nullptr) manual_->Advance(milliseconds(3));
  ran.Wait();
}

TEST_P(ClockContract, ATimeInThePastIsCalledAtOnceButNotWithinCallAt) {
  std::mutex held;
  Signal wall_ran;
  Signal mono_ran;
  {
    std::lock_guard lock(held);
    clock_->CallAt(WallTime::min(), [&] {
      { std::lock_guard callback_lock(held); }
      wall_ran.Raise();
    });
    clock_->CallAt(MonoTime::min(), [&] {
      { std::lock_guard callback_lock(held); }
      mono_ran.Raise();
    });
  }
  wall_ran.Wait();
  mono_ran.Wait();
}

TEST_P(ClockContract, NeverIsAFineTime) {
  clock_->CallAt(WallTime::max(), [] { FAIL(); });
  clock_->CallAt(MonoTime::max(), [] { FAIL(); });
  Pass(milliseconds(2));
}

TEST_P(ClockContract, CanceledTimersDoNotRun) {
  auto mono = clock_->CallAt(clock_->Mono() + milliseconds(2), [] { FAIL(); });
  auto wall = clock_->CallAt(clock_->Now() + milliseconds(2), [] { FAIL(); });
  clock_->Cancel(mono);
  clock_->Cancel(wall);
  clock_->Cancel(mono);
  clock_->Cancel(0);
  clock_->Cancel(987654);
  Pass(milliseconds(4));
}

TEST_P(ClockContract, CancelWaitsForACallbackThatRuns) {
  Signal started;
  Signal go_on;
  std::atomic<bool> finished = false;
  auto timer = clock_->CallAt(clock_->Mono(), [&] {
    started.Raise();
    go_on.Wait();
    finished = true;
  });
  started.Wait();
  std::thread helper([&] { go_on.Raise(); });
  clock_->Cancel(timer);
  EXPECT_TRUE(finished);
  helper.join();
}

TEST_P(ClockContract, ACallbackMayCancelItselfAndOthers) {
  Signal ran;
  std::atomic<Clock::TimerId> self = 0;
  auto other = clock_->CallAt(clock_->Mono() + std::chrono::hours(1), [] { FAIL(); });
  Signal known;
  self = clock_->CallAt(clock_->Mono(), [&] {
    known.Wait();
    clock_->Cancel(self);
    clock_->Cancel(other);
    ran.Raise();
  });
  known.Raise();
  ran.Wait();
  Pass(milliseconds(1));
}

TEST_P(ClockContract, ACallbackMaySetTheNextTimer) {
  Signal done;
  std::atomic<int> rounds = 0;
  std::function<void()> again = [&] {
    if (++rounds == 5) {
      done.Raise();
    } else {
      clock_->CallAt(clock_->Mono() + milliseconds(1), again);
    }
  };
  clock_->CallAt(clock_->Mono() + milliseconds(1), again);
  if (manual_ != nullptr) manual_->Advance(milliseconds(5));
  done.Wait();
  EXPECT_EQ(rounds, 5);
}

TEST_P(ClockContract, WhatACallbackHoldsIsReleasedWhenItRanWasCanceledOrTheClockGoes) {
  auto held = std::make_shared<int>(1);
  clock_->CallAt(clock_->Mono(), [held] {});
  auto timer = clock_->CallAt(clock_->Mono() + std::chrono::hours(1), [held] {});
  clock_->CallAt(clock_->Now() + std::chrono::hours(1), [held] {});
  clock_->Cancel(timer);
  Pass(milliseconds(1));
  EXPECT_EQ(held.use_count(), 2);
  clock_.reset();
  EXPECT_EQ(held.use_count(), 1);
}

TEST_P(ClockContract, ManyThreadsMaySetAndCancel) {
  std::atomic<int> ran = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        clock_->CallAt(clock_->Mono(), [&] { ++ran; });
        clock_->Cancel(clock_->CallAt(clock_->Mono() + std::chrono::hours(1), [] { FAIL(); }));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  Pass(milliseconds(1));
  EXPECT_EQ(ran, 800);
}

TEST_P(ClockContract, ASignalThatIsRaisedEndsTheWait) {
  Signal signal;
  std::thread raiser([&] { signal.Raise(); });
  EXPECT_TRUE(signal.WaitUntil(*clock_, MonoTime::max()));
  EXPECT_TRUE(signal.WaitUntil(*clock_, MonoTime::min())) << "it stays raised";
  raiser.join();
}

TEST_P(ClockContract, ASignalThatNobodyRaisesEndsAtTheDeadline) {
  Signal signal;
  MonoTime deadline = clock_->Mono() + milliseconds(2);
  std::thread time_goes_by([&] {
    if (manual_ == nullptr) return;
    manual_->WaitForTimers(1);
    manual_->Advance(milliseconds(2));
  });
  EXPECT_FALSE(signal.WaitUntil(*clock_, deadline));
  EXPECT_GE(clock_->Mono(), deadline);
  time_goes_by.join();
}

INSTANTIATE_TEST_SUITE_P(Clocks, ClockContract, testing::Values(Kind::kReal, Kind::kManual),
                         [](const auto& info) { return info.param == Kind::kReal ? "Real" : "Manual"; });

}  // namespace
}  // namespace base
