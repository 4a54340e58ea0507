#include "deliver/schedule.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace deliver {
namespace {

using base::DeliveryId;
using base::EndpointId;
using base::WallTime;
using std::chrono::seconds;

constexpr WallTime kStart{seconds(1'000'000)};

Schedule::Gate Open(std::string host, int limit) {
  Schedule::Gate gate;
  gate.open = true;
  gate.host = std::move(host);
  gate.limit = limit;
  return gate;
}

std::vector<int64_t> TakeAll(Schedule& schedule) {
  std::vector<int64_t> ids;
  while (auto taken = schedule.Take()) ids.push_back(taken->job.id.value);
  return ids;
}

TEST(Schedule, TakesNothingForAnUnknownEndpointAndAsksForItOnce) {
  Schedule schedule({});
  schedule.Add(EndpointId{1}, {DeliveryId{10}, kStart}, kStart);
  schedule.Add(EndpointId{1}, {DeliveryId{11}, kStart}, kStart);
  EXPECT_TRUE(TakeAll(schedule).empty());
  EXPECT_EQ(schedule.TakeUnknown(), std::vector{EndpointId{1}});
  EXPECT_TRUE(schedule.TakeUnknown().empty());
  schedule.SetGate(EndpointId{1}, Open("a", 8), kStart);
  EXPECT_EQ(TakeAll(schedule), (std::vector<int64_t>{10, 11}));
  schedule.Add(EndpointId{1}, {DeliveryId{12}, kStart}, kStart);
  schedule.Forget(EndpointId{1});
  EXPECT_TRUE(TakeAll(schedule).empty());
  EXPECT_EQ(schedule.TakeUnknown(), std::vector{EndpointId{1}});
}

TEST(Schedule, EndpointsTakeTurns) {
  Schedule schedule({});
  for (int endpoint = 1; endpoint <= 3; ++endpoint) {
    schedule.SetGate(EndpointId{endpoint}, Open(std::to_string(endpoint), 100), kStart);
    for (int n = 0; n < 3; ++n) schedule.Add(EndpointId{endpoint}, {DeliveryId{endpoint * 10 + n}, kStart}, kStart);
  }
  EXPECT_EQ(TakeAll(schedule), (std::vector<int64_t>{10, 20, 30, 11, 21, 31, 12, 22, 32}));
}

TEST(Schedule, AnEndpointAtItsLimitDoesNotKeepOthersWaiting) {
  Schedule schedule({});
  schedule.SetGate(EndpointId{1}, Open("a", 1), kStart);
  schedule.SetGate(EndpointId{2}, Open("b", 1), kStart);
  schedule.Add(EndpointId{1}, {DeliveryId{10}, kStart}, kStart);
  schedule.Add(EndpointId{1}, {DeliveryId{11}, kStart}, kStart);
  const auto first = schedule.Take();
  ASSERT_TRUE(first);
  EXPECT_FALSE(schedule.Take());
  schedule.Add(EndpointId{2}, {DeliveryId{20}, kStart}, kStart);
  EXPECT_EQ(TakeAll(schedule), std::vector<int64_t>{20});
  schedule.Release(*first);
  EXPECT_EQ(TakeAll(schedule), std::vector<int64_t>{11});
}

TEST(Schedule, EndpointsOnOneHostShareItsLimitInTurn) {
  Schedule schedule({1, 100});
  schedule.SetGate(EndpointId{1}, Open("same", 10), kStart);
  schedule.SetGate(EndpointId{2}, Open("same", 10), kStart);
  for (int n = 0; n < 2; ++n) {
    schedule.Add(EndpointId{1}, {DeliveryId{10 + n}, kStart}, kStart);
    schedule.Add(EndpointId{2}, {DeliveryId{20 + n}, kStart}, kStart);
  }
  std::vector<int64_t> order;
  while (auto taken = schedule.Take()) {
    order.push_back(taken->job.id.value);
    EXPECT_FALSE(schedule.Take());
    schedule.Release(*taken);
  }
  EXPECT_EQ(order, (std::vector<int64_t>{10, 20, 11, 21}));
}

TEST(Schedule, ASlotThatAParkedEndpointNoLongerNeedsGoesToTheNext) {
  Schedule schedule({1, 100});
  for (int endpoint = 1; endpoint <= 3; ++endpoint) {
    schedule.SetGate(EndpointId{endpoint}, Open("same", 10), kStart);
    schedule.Add(EndpointId{endpoint}, {DeliveryId{endpoint}, kStart}, kStart);
  }
  const auto first = schedule.Take();
  EXPECT_FALSE(schedule.Take());  // 2 and 3 are parked now
  schedule.Release(*first);       // 2 is offered the slot
  schedule.Drop(EndpointId{2});   // and has no use for it
  EXPECT_EQ(TakeAll(schedule), std::vector<int64_t>{3});
}

TEST(Schedule, TheLimitInAllHolds) {
  Schedule schedule({100, 2});
  schedule.SetGate(EndpointId{1}, Open("a", 10), kStart);
  for (int n = 0; n < 4; ++n) schedule.Add(EndpointId{1}, {DeliveryId{10 + n}, kStart}, kStart);
  const auto first = schedule.Take();
  const auto second = schedule.Take();
  ASSERT_TRUE(first && second);
  EXPECT_FALSE(schedule.Take());
  schedule.Release(*first);
  EXPECT_EQ(TakeAll(schedule).size(), 1u);
}

TEST(Schedule, LaterDeliveriesWaitForTheirTime) {
  Schedule schedule({});
  schedule.SetGate(EndpointId{1}, Open("a", 10), kStart);
  schedule.Add(EndpointId{1}, {DeliveryId{2}, kStart + seconds(9)}, kStart);
  schedule.Add(EndpointId{1}, {DeliveryId{1}, kStart + seconds(5)}, kStart);
  EXPECT_FALSE(schedule.Take());
  EXPECT_EQ(schedule.NextWake(), kStart + seconds(5));
  schedule.Advance(kStart + seconds(5));
  EXPECT_EQ(TakeAll(schedule), std::vector<int64_t>{1});
  EXPECT_EQ(schedule.NextWake(), kStart + seconds(9));
  schedule.Advance(kStart + seconds(60));
  EXPECT_EQ(TakeAll(schedule), std::vector<int64_t>{2});
  EXPECT_FALSE(schedule.NextWake());
}

TEST(Schedule, AHeldEndpointWakesWhenItsTimeIsUp) {
  Schedule schedule({});
  schedule.SetGate(EndpointId{1}, Open("a", 10), kStart);
  schedule.Hold(EndpointId{1}, kStart + seconds(30));
  schedule.Add(EndpointId{1}, {DeliveryId{1}, kStart}, kStart);
  EXPECT_FALSE(schedule.Take());
  EXPECT_EQ(schedule.NextWake(), kStart + seconds(30));
  schedule.Advance(kStart + seconds(30));
  EXPECT_EQ(TakeAll(schedule), std::vector<int64_t>{1});
}

TEST(Schedule, AHoldOutlastsWhatTheGateSaidBefore) {
  Schedule schedule({});
  const EndpointId endpoint{1};
  schedule.Add(endpoint, {DeliveryId{1}, kStart}, kStart);
  schedule.Hold(endpoint, kStart + seconds(30));
  schedule.SetGate(endpoint, Open("a", 10), kStart);
  EXPECT_FALSE(schedule.Take());
  EXPECT_EQ(schedule.NextWake(), kStart + seconds(30));
  schedule.EndHold(endpoint);
  EXPECT_TRUE(schedule.Take());
}

TEST(Schedule, WhatWasTakenMayBeginOnlyWhileItsGateIsOpen) {
  Schedule schedule({});
  const EndpointId endpoint{1};
  schedule.SetGate(endpoint, Open("a", 10), kStart);
  schedule.Add(endpoint, {DeliveryId{1}, kStart}, kStart);
  const auto taken = schedule.Take();
  ASSERT_TRUE(taken);
  EXPECT_TRUE(schedule.MayBegin(*taken));
  schedule.Hold(endpoint, kStart + seconds(30));
  EXPECT_FALSE(schedule.MayBegin(*taken));
  schedule.Advance(kStart + seconds(30));
  EXPECT_TRUE(schedule.MayBegin(*taken));
  schedule.Forget(endpoint);
  EXPECT_FALSE(schedule.MayBegin(*taken));
  schedule.SetGate(endpoint, {}, kStart);
  EXPECT_FALSE(schedule.MayBegin(*taken)) << "paused meanwhile";
}

TEST(Schedule, WhatIsPutBackComesFirstAgainInItsOldOrder) {
  Schedule schedule({});
  schedule.SetGate(EndpointId{1}, Open("a", 3), kStart);
  for (int n = 1; n <= 4; ++n) schedule.Add(EndpointId{1}, {DeliveryId{n}, kStart}, kStart);
  std::vector<Schedule::Taken> taken;
  while (auto one = schedule.Take()) taken.push_back(std::move(*one));
  for (const auto& one : taken) schedule.PutBack(one);
  EXPECT_EQ(schedule.waiting(), 4u);
  EXPECT_EQ(TakeAll(schedule), (std::vector<int64_t>{1, 2, 3}));
}

// Whatever happens, nothing is lost, nothing is taken twice, and no limit is passed.
TEST(Schedule, RandomOperationsKeepEveryDeliveryAndEveryLimit) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const auto pick = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    constexpr int kPerHost = 3, kInAll = 6, kPerEndpoint = 2, kEndpoints = 6;
    Schedule schedule({kPerHost, kInAll});
    std::vector<Schedule::Taken> taken;
    std::map<int64_t, int> finished;
    int64_t added = 0;
    WallTime now = kStart;
    const auto open = [&](int endpoint) {
      schedule.SetGate(EndpointId{endpoint}, Open(endpoint % 2 ? "odd" : "even", kPerEndpoint), now);
    };
    const auto step = [&](int choice) {
      const EndpointId endpoint{1 + pick(kEndpoints)};
      if (choice == 0) schedule.Add(endpoint, {DeliveryId{++added}, now + seconds(pick(5))}, now);
      if (choice == 1) schedule.Advance(now += seconds(1));
      if (choice == 2) schedule.Forget(endpoint);
      if (choice == 3) schedule.Hold(endpoint, now + seconds(pick(4)));
      if (choice == 9) schedule.EndHold(endpoint);
      if (choice == 4) {
        for (EndpointId unknown : schedule.TakeUnknown()) open(static_cast<int>(unknown.value));
      }
      if (choice == 5) {
        while (auto one = schedule.Take()) taken.push_back(std::move(*one));
      }
      if (choice >= 6 && choice <= 8 && !taken.empty()) {
        std::swap(taken[static_cast<size_t>(pick(static_cast<int>(taken.size())))], taken.back());
        if (choice == 6) {
          schedule.PutBack(taken.back());
        } else {
          ++finished[taken.back().job.id.value];
          schedule.Release(taken.back());
        }
        taken.pop_back();
      }
      std::map<int64_t, int> per_endpoint;
      std::map<const Schedule::Host*, int> per_host;
      for (const auto& one : taken) {
        EXPECT_LE(++per_endpoint[one.endpoint.value], kPerEndpoint);
        EXPECT_LE(++per_host[one.host.get()], kPerHost);
      }
      EXPECT_LE(taken.size(), static_cast<size_t>(kInAll));
      EXPECT_EQ(schedule.waiting() + taken.size() + finished.size(), static_cast<size_t>(added));
    };
    for (int n = 0; n < 3000; ++n) step(pick(10));
    for (int n = 0; n < 10'000 && finished.size() < static_cast<size_t>(added); ++n) {
      for (int choice : {1, 4, 5, 7}) step(choice);
    }
    EXPECT_EQ(finished.size(), static_cast<size_t>(added));
    for (const auto& [id, times] : finished) EXPECT_EQ(times, 1) << id;
  }
}

}  // namespace
}  // namespace deliver
