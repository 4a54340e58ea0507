#include "base/guarded.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace base {
namespace {

TEST(Guarded, OneThreadAtATimeReachesTheData) {
  Guarded<int> count(5);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) ++*count.Lock();
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(*count.Lock(), 4005);
}

TEST(Guarded, WaitGivesTheLockUpUntilTheDataIsReady) {
  Guarded<std::vector<int>> queue;
  std::thread producer([&] {
    queue.Lock()->push_back(7);
    queue.NotifyAll();
  });
  auto access = queue.Lock();
  access.Wait([&] { return !access->empty(); });
  EXPECT_EQ(access->front(), 7);
  producer.join();
}

}  // namespace
}  // namespace base
