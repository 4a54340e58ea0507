// The dispatcher: claims due deliveries, sends them, decides, records. Woken by commits and by the clock; never polls.
//
// All of its state lives on one I/O thread. Waiting deliveries are held as ids and due times, one queue per endpoint;
// what is sent is read from the store when its turn comes. Endpoints take turns; each has its own limit of requests
// under way, endpoints on one host share another, so an endpoint that hangs delays nobody but its neighbours on its
// host.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "hook/hook.h"
#include "net/net.h"
#include "store/store.h"

namespace deliver {

struct Options {
  int per_endpoint = 32;  // requests under way
  int per_host = 64;
  int in_all = 4096;  // bounded by the file descriptors there are
  base::Micros max_timeout{60'000'000};
  int max_unrecorded = 8192;  // attempts made and not yet on disk; then sending waits for the disk
};

// Upper bounds of the lag histogram's buckets, in microseconds; a last one is unbounded.
inline constexpr std::array<int64_t, 14> kLagBuckets = {500,       1'000,      2'000,       5'000,        10'000,
                                                        25'000,    50'000,     100'000,     250'000,      1'000'000,
                                                        5'000'000, 30'000'000, 300'000'000, 3'600'000'000};
struct Histogram {
  std::array<uint64_t, kLagBuckets.size() + 1> counts{};
  uint64_t sum_us = 0;
};

struct Stats {
  std::array<uint64_t, hook::kOutcomeCount> attempts{};  // by outcome, since the start
  uint64_t claims_lost = 0;                              // attempts whose record was refused
  size_t waiting = 0, in_flight = 0, unrecorded = 0;
  Histogram first_lag;  // due until sending began, first attempts
  Histogram retry_lag;
  Histogram duration;  // of whole attempts
};

class Dispatcher {
 public:
  // `client` must belong to `io`. Everything passed in must outlive the dispatcher.
  Dispatcher(store::Store& store, net::IoThread& io, net::Client& client, base::Clock& clock, base::Random& random,
             Options options);
  // As Stop, but without waiting for attempts under way; those that were made are recorded. Not on the I/O thread.
  ~Dispatcher();

  // Claims what a former process left waiting and begins. Call once; blocks for the disk.
  base::Status Start();
  // The store's listener calls this after each commit. Any thread.
  void Notice(const store::Committed& committed);
  // Begins no further attempt and calls `stopped` once those under way are recorded. Any thread.
  void Stop(std::function<void()> stopped);
  Stats stats() const;  // any thread

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace deliver
