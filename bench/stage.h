// The stage of a measurement: sinks, a data directory of its own, environments with webhooks, and a pool of dry runs in
// `planning`, all made through the API before anything is timed.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "bench/load.h"
#include "bench/server.h"
#include "bench/sinks.h"

namespace bench {

// In all, or one per environment when there are more of those. Dry runs of one workspace need not wait for each other.
constexpr size_t kWorkspaces = 20;

struct StagePlan {
  std::string binary;
  std::string directory;        // made, and removed afterwards
  std::vector<SinkMode> sinks;  // `fan_out` neighbours form a group: an environment whose webhooks ring them all
  int fan_out = 1;
  size_t runs = 0;     // run i belongs to group i % groups, in one of its workspaces
  int timeout_s = 15;  // of the endpoints
  int connections = 64;
};

class Stage {
 public:
  // Makes everything, with a server of its own, and leaves no server running.
  static base::Result<std::unique_ptr<Stage>> Set(StagePlan plan);
  ~Stage();

  // A server with default settings, beside the opened egress guard and quieter logging.
  base::Status StartServer();
  base::Status StopServer();
  Server& server() { return *server_; }
  Sinks& sinks() { return *sinks_; }
  // Both may be read once EndSinks was called.
  const Arrivals& arrivals() const { return arrivals_; }
  void EndSinks() { sinks_->Stop(); }

  size_t groups() const { return plan_.sinks.size() / static_cast<size_t>(plan_.fan_out); }
  const StagePlan& plan() const { return plan_; }
  // Appends the request that ends run `number`: planning -> planned_and_finished, which rings run:completed.
  void WriteFinish(size_t number, std::string& request) const;
  LoadTarget target() const;
  Api api() const { return {server_->port(), token_}; }

 private:
  explicit Stage(StagePlan plan) : plan_(std::move(plan)), arrivals_(plan_.runs) {}
  base::Status Build();
  base::Status BuildGroup(Api& api, size_t group);
  base::Status CreateRuns();
  base::Status StartRuns();
  base::Status Start(std::vector<std::string> arguments);
  std::string FormatTransition(std::string_view run, std::string_view status, size_t number) const;

  StagePlan plan_;
  Arrivals arrivals_;
  std::unique_ptr<Sinks> sinks_;
  std::unique_ptr<Server> server_;
  std::string token_;
  std::vector<std::vector<std::string>> workspaces_;  // by group
  std::vector<std::string> runs_;                     // ids by number
};

}  // namespace bench
