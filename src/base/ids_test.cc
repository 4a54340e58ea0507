#include "base/ids.h"

#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

#include "support/manual_clock.h"

namespace base {
namespace {

using testing_support::ManualClock;

TEST(Ids, WrittenFormIsThePrefixAndFifteenCharacters) {
  EXPECT_EQ(Format(RunId{1}), "run-v00000000000001");
  EXPECT_EQ(Format(WorkspaceId{INT64_MAX}), "ws-v07vvvvvvvvvvvv");
  EXPECT_EQ(Parse<RunId>("run-v00000000000001"), RunId{1});
  EXPECT_EQ(Parse<WorkspaceId>("ws-v07vvvvvvvvvvvv"), WorkspaceId{INT64_MAX});
}

TEST(Ids, RefusesEverythingElse) {
  for (const char* bad : {"", "run-", "run-v0", "ws-v00000000000001", "run-v10000000000001", "run-v0000000000001",
                          "run-v000000000000001", "run-v0000000000000W", "run-v0000000000000w", "run-v00000000000000",
                          "run-v08000000000000", "run-v0vvvvvvvvvvvvv", "run-v0000000000 001", "RUN-v00000000000001"}) {
    EXPECT_FALSE(Parse<RunId>(bad)) << bad;
  }
}

TEST(Ids, GrowWithTimeAndAreUniqueWithinAMillisecond) {
  ManualClock clock;
  auto random = MakeSeededRandom(1);
  IdMaker ids(clock, *random);
  RunId last;
  for (int i = 0; i < 1000; ++i) {
    if (i % 10 == 0) clock.Advance(Micros(1700));
    RunId next = ids.Make<RunId>();
    ASSERT_GT(next, last);
    ASSERT_EQ(Parse<RunId>(Format(next)), next);
    last = next;
  }
}

TEST(Ids, WrittenFormsSortLikeTheIds) {
  ManualClock clock;
  auto random = MakeSeededRandom(1);
  IdMaker ids(clock, *random);
  std::string last;
  for (int i = 0; i < 100; ++i) {
    clock.Advance(std::chrono::hours(7));
    std::string next = Format(ids.Make<EventId>());
    EXPECT_LT(last, next);
    last = next;
  }
}

TEST(Ids, GrowEvenWhenTheClockIsSetBack) {
  ManualClock late(ManualClock::kStart + std::chrono::hours(1));
  ManualClock early;
  // A clock whose hands are moved between two calls.
  struct Switch : ManualClock {
    explicit Switch(Clock* first) : shown(first) {}
    WallTime Now() const override { return shown->Now(); }
    Clock* shown;
  } clock(&late);
  auto random = MakeSeededRandom(1);
  IdMaker ids(clock, *random);
  RunId before = ids.Make<RunId>();
  clock.shown = &early;
  EXPECT_GT(ids.Make<RunId>(), before);
}

TEST(Ids, ThreadsNeverGetTheSame) {
  ManualClock clock;
  auto random = MakeSeededRandom(1);
  IdMaker ids(clock, *random);
  std::vector<std::vector<int64_t>> made(4);
  std::vector<std::thread> threads;
  for (auto& mine : made) {
    threads.emplace_back([&ids, &mine] {
      for (int i = 0; i < 2000; ++i) mine.push_back(ids.Make<RunId>().value);
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<int64_t> all;
  for (const auto& mine : made) all.insert(mine.begin(), mine.end());
  EXPECT_EQ(all.size(), 8000u);
}

TEST(Ids, ATimeRangeIsAnIdRange) {
  ManualClock clock;
  auto random = MakeSeededRandom(1);
  IdMaker ids(clock, *random);
  int64_t id = ids.Make<RunId>().value;
  EXPECT_GE(id, FirstIdAt(clock.Now()));
  EXPECT_LT(id, FirstIdAt(clock.Now() + std::chrono::seconds(1)));
  EXPECT_EQ(FirstIdAt(WallTime{}), 0);
  EXPECT_GT(FirstIdAt(WallTime::max()), id);
}

}  // namespace
}  // namespace base
