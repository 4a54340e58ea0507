// The measurements themselves. Each is bounded in time and count and leaves nothing behind.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/sinks.h"

namespace bench {

struct Settings {
  std::string binary = "build/runbell";
  std::string directory;  // parent of the data directories
  double seconds = 8;     // of each timed phase
  int connections = 64;
  int fan_out = 10;  // of the second throughput measurement
  int sinks = 10;
  double rate = 0;               // of the latency measurement; 0: half of what fan-out 1 reached
  size_t most_runs = 1'000'000;  // prepared per measurement: a phase ends early when they are used up
};

// (a) Keep-alive POSTs of 1,000 bytes straight to the sinks: no storage, no signature.
struct Ceiling {
  double per_second = 0;
  double cpu_us = 0;  // generator and sinks, per request
};
base::Result<Ceiling> MeasureCeiling(const Settings& settings);

// (b) Runbell end to end.
struct FlowPlan {
  int fan_out = 1;
  int sinks = 10;
  int bad_sinks = 0;                  // the last ones
  SinkMode bad_mode = SinkMode::kOk;  // kOk: counted apart, but healthy
  double seconds = 8;
  double rate = 0;  // accepts per second; 0: closed loop
  size_t most_runs = 0;
};

struct Percentiles {
  double p50_ms = 0, p99_ms = 0, max_ms = 0;
};

struct Flow {
  size_t accepted = 0;
  double accepted_per_second = 0;
  double steady_per_second = 0;   // deliveries while requests were accepted, without the first tenth of the time
  double drained_per_second = 0;  // deliveries of the good sinks from the first accept to the last first byte
  bool drained = false;           // every accepted event reached every good sink of its group
  size_t deliveries = 0;          // to good sinks
  size_t repeated = 0;            // beyond one per event and sink
  double server_cpu_us = 0;       // per delivery
  double bench_cpu_us = 0;        // generator and sinks, per delivery
  double payload_bytes = 0;       // per delivery
  double disk_bytes = 0;          // per delivery, after a clean end
  Percentiles from_request;       // accept request sent -> first byte at the sink: no less than commit -> first byte
  Percentiles from_answer;        // accept answered -> first byte at the sink: no more than it
  std::string server_lag;         // what the server's own histogram says
};
base::Result<Flow> MeasureFlow(const Settings& settings, const FlowPlan& plan);

// Memory of waiting deliveries: their endpoints hang.
struct Memory {
  double first_mb = 0;       // of the first 100,000
  double second_mb = 0;      // of the second
  double taken_over_mb = 0;  // per 100,000 after a restart that finds 200,000 of them
};
base::Result<Memory> MeasureMemory(const Settings& settings);

}  // namespace bench
