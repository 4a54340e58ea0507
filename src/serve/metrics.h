// GET /metrics: what the server, the dispatcher and the store count, in the Prometheus text format; the fence around
// prometheus-cpp.
#pragma once

#include <memory>

#include "base/result.h"
#include "net/net.h"

namespace serve {

class Call;
struct Route;

class Metrics {
 public:
  Metrics();
  ~Metrics();
  void CountRequest(const Route& route, int status);  // any thread; does not block

 private:
  friend base::Result<net::Response> ShowMetrics(Call& call);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

base::Result<net::Response> ShowMetrics(Call& call);

}  // namespace serve
