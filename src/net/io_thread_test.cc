#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "net/deadline.h"
#include "net/net.h"
#include "support/manual_clock.h"

namespace net {
namespace {

using std::chrono::seconds;

class IoThreadTest : public testing::Test {
 protected:
  void OnIo(const std::function<void()>& work) {
    base::Signal done;
    io_.Post([&] {
      work();
      done.Raise();
    });
    done.Wait();
  }
  void Pass(base::Micros time) {
    clock_.Advance(time);
    OnIo([] {});
    clock_.Settle();
    OnIo([] {});
  }
  testing_support::ManualClock clock_;
  IoThread io_{"test-io", clock_};
};

TEST_F(IoThreadTest, RunsPostedWorkInOrderOnOneThread) {
  std::vector<std::pair<int, int>> ran;
  std::atomic<bool> elsewhere = false;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 1000; ++i) {
        io_.Post([&, t, i] {
          ran.emplace_back(t, i);
          if (!io_.Here()) elsewhere = true;
        });
      }
    });
  }
  for (auto& thread : threads) thread.join();
  OnIo([] {});
  EXPECT_FALSE(elsewhere);
  EXPECT_FALSE(io_.Here());
  ASSERT_EQ(ran.size(), 4000u);
  std::vector<int> next(4);
  for (auto [t, i] : ran) EXPECT_EQ(i, next[static_cast<size_t>(t)]++);
}

TEST_F(IoThreadTest, DeadlinesExpireInOrderWithOneTimer) {
  std::string order;
  std::vector<std::unique_ptr<Deadline>> deadlines;
  OnIo([&] {
    for (char name : {'c', 'a', 'd', 'b'}) {
      deadlines.push_back(std::make_unique<Deadline>(io_, [&order, name] { order += name; }));
      deadlines.back()->Set(clock_.Mono() + seconds(name - 'a' + 1));
    }
  });
  EXPECT_EQ(clock_.PendingTimers(), 1u);
  Pass(seconds(2));
  EXPECT_EQ(order, "ab");
  EXPECT_EQ(clock_.PendingTimers(), 1u);
  Pass(seconds(10));
  EXPECT_EQ(order, "abcd");
  EXPECT_EQ(clock_.PendingTimers(), 0u);
  OnIo([&] { deadlines.clear(); });
}

TEST_F(IoThreadTest, ADeadlineFollowsWhatItWasSetToLast) {
  std::atomic<int> expired = 0;
  std::unique_ptr<Deadline> deadline;
  auto set = [&](int in_seconds) { OnIo([&] { deadline->Set(clock_.Mono() + seconds(in_seconds)); }); };
  OnIo([&] { deadline = std::make_unique<Deadline>(io_, [&] { ++expired; }); });
  set(5);
  set(10);
  Pass(seconds(9));
  EXPECT_EQ(expired, 0) << "later";
  Pass(seconds(1));
  EXPECT_EQ(expired, 1);
  set(10);
  set(2);
  Pass(seconds(2));
  EXPECT_EQ(expired, 2) << "earlier";
  Pass(seconds(20));
  EXPECT_EQ(expired, 2) << "once";
  set(5);
  OnIo([&] { deadline->Clear(); });
  Pass(seconds(20));
  EXPECT_EQ(expired, 2) << "cleared";
  set(5);
  OnIo([&] { deadline.reset(); });
  Pass(seconds(20));
  EXPECT_EQ(expired, 2) << "gone";
}

TEST_F(IoThreadTest, ADeadlineMayEndItselfAndSetOthers) {
  std::atomic<int> expired = 0;
  std::unique_ptr<Deadline> first, second;
  OnIo([&] {
    second = std::make_unique<Deadline>(io_, [&] { ++expired; });
    first = std::make_unique<Deadline>(io_, [&] {
      second->Set(clock_.Mono());
      first.reset();
    });
    first->Set(clock_.Mono() + seconds(1));
  });
  Pass(seconds(1));
  EXPECT_EQ(expired, 1);
  OnIo([&] { second.reset(); });
}

TEST(IoThreadDeathTest, SaysSoWhenDescriptorsHaveRunOut) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  auto start = [] {
    rlimit few{3, 3};
    setrlimit(RLIMIT_NOFILE, &few);
    testing_support::ManualClock clock;
    IoThread io("io", clock);
  };
  EXPECT_EXIT(start(), testing::ExitedWithCode(1), "raise the limit of open files");
}

}  // namespace
}  // namespace net
