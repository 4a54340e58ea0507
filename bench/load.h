// The generator: numbered HTTP requests over a fixed number of keep-alive connections, from one epoll thread.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace bench {

struct LoadTarget {
  uint32_t address = 0;  // host byte order
  uint16_t port = 0;
};

struct Load {
  std::vector<LoadTarget> targets;  // connections are spread over them
  int connections = 64;
  size_t first = 0, count = 0;  // the numbers to send
  double seconds = 60;          // then no further request is begun
  double rate = 0;              // requests begun per second whatever the answers do; 0: each answer begins the next
  std::function<void(size_t number, std::string& request)> write;
  // Every answer, also those that are not 2xx. `sent_ns` is when the request was begun.
  std::function<void(size_t number, int status, std::string_view body, int64_t sent_ns)> answered;
};

struct LoadResult {
  size_t begun = 0;
  size_t ok = 0;      // 2xx
  size_t failed = 0;  // anything else
  int64_t start_ns = 0, end_ns = 0;
  double cpu_seconds = 0;
  std::string first_failure;
  double seconds() const { return static_cast<double>(end_ns - start_ns) / 1e9; }
};

// kUnavailable when a connection cannot be made or breaks, kTimeout when an answer takes more than 30 s.
base::Result<LoadResult> RunLoad(const Load& load);

}  // namespace bench
