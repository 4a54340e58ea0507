#include "support/manual_clock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

namespace testing_support {
namespace {

using base::Micros;
using base::WallTime;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(ManualClock, StandsStillUntilMoved) {
  ManualClock clock;
  EXPECT_EQ(clock.Now(), ManualClock::kStart);
  base::MonoTime mono = clock.Mono();
  clock.Advance(hours(5));
  EXPECT_EQ(clock.Now(), ManualClock::kStart + hours(5));
  EXPECT_EQ(clock.Mono(), mono + hours(5));
  clock.AdvanceTo(ManualClock::kStart);
  EXPECT_EQ(clock.Now(), ManualClock::kStart + hours(5));
}

TEST(ManualClock, EachCallbackSeesItsOwnDueTime) {
  ManualClock clock;
  std::vector<WallTime> seen;
  std::function<void()> every_hour = [&] {
    seen.push_back(clock.Now());
    clock.CallAt(clock.Now() + hours(1), every_hour);
  };
  clock.CallAt(clock.Now() + hours(1), every_hour);
  clock.CallAt(clock.Mono() + minutes(90), [&] { seen.push_back(clock.Now()); });
  clock.Advance(hours(3) + seconds(1));
  const WallTime t = ManualClock::kStart;
  EXPECT_EQ(seen, (std::vector<WallTime>{t + hours(1), t + minutes(90), t + hours(2), t + hours(3)}));
  EXPECT_EQ(clock.Now(), t + hours(3) + seconds(1));
}

TEST(ManualClock, OneDueTimeRunsInTheOrderOfCreation) {
  ManualClock clock;
  std::vector<int> order;
  WallTime due = clock.Now() + seconds(1);
  for (int i = 0; i < 5; ++i) clock.CallAt(due, [&order, i] { order.push_back(i); });
  clock.Advance(seconds(1));
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST(ManualClock, TellsWhatWaitsAndStepsToIt) {
  ManualClock clock;
  EXPECT_EQ(clock.NextDue(), std::nullopt);
  EXPECT_FALSE(clock.AdvanceToNext());
  int ran = 0;
  clock.CallAt(clock.Now() + hours(2), [&] { ++ran; });
  auto canceled = clock.CallAt(clock.Now() + hours(1), [] { FAIL(); });
  EXPECT_EQ(clock.PendingTimers(), 2u);
  clock.Cancel(canceled);
  EXPECT_EQ(clock.PendingTimers(), 1u);
  EXPECT_EQ(clock.NextDue(), ManualClock::kStart + hours(2));
  EXPECT_TRUE(clock.AdvanceToNext());
  EXPECT_EQ(ran, 1);
  EXPECT_EQ(clock.Now(), ManualClock::kStart + hours(2));
}

TEST(ManualClock, SettleWaitsForWhatIsAlreadyDue) {
  ManualClock clock;
  std::atomic<int> ran = 0;
  std::function<void()> chain = [&] {
    if (++ran < 100) clock.CallAt(clock.Now(), chain);
  };
  clock.CallAt(clock.Now(), chain);
  clock.Settle();
  EXPECT_EQ(ran, 100);
  EXPECT_EQ(clock.Now(), ManualClock::kStart);
}

TEST(ManualClock, WhatACallbackMakesDueRunsWithinTheSameAdvance) {
  ManualClock clock;
  std::vector<WallTime> seen;
  clock.CallAt(clock.Now() + hours(1), [&] { clock.CallAt(WallTime::min(), [&] { seen.push_back(clock.Now()); }); });
  clock.Advance(hours(2));
  EXPECT_EQ(seen, std::vector<WallTime>{ManualClock::kStart + hours(1)});
}

TEST(ManualClock, WaitsForTimersOfOtherThreads) {
  ManualClock clock;
  base::Signal never;
  bool raised = true;
  std::thread waiter([&] { raised = never.WaitUntil(clock, clock.Mono() + hours(1)); });
  EXPECT_TRUE(clock.WaitForTimers(1));
  clock.Advance(hours(1));
  waiter.join();
  EXPECT_FALSE(raised);
}

}  // namespace
}  // namespace testing_support
