// A server for the wrapper's tests: the part of the API that a wrapper uses, over a real socket, with the real state
// machine behind it, and switches for what can go wrong.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "net/net.h"
#include "run/run.h"

namespace runner {

class FakeApi {
 public:
  explicit FakeApi(base::Clock& clock);
  ~FakeApi();

  std::string url() const;

  // ---- switches; any thread, any time ----
  void SetDown(bool down);              // answers 503 to everything
  void SetDownAfter(std::string path);  // goes down with the first request for a path that contains it
  // Takes that many requests that change something and whose path ends so, but answers 503.
  void LoseAnswers(std::string path_end, int count);
  void SetBusy(bool busy);           // another run holds the workspace's place; freeing it moves the feed
  void SetAutoApply(bool on);        // of the workspace
  void SetMayApprove(bool may);      // what the token may do
  void SetToken(std::string token);  // others get 401
  void AddPlaces();                  // environment "prod" with workspace "net"

  // ---- what people and the server do; each moves the feed ----
  void Act(run::Action action);
  // Called on the server's thread when the run has reached `status`, once.
  void When(run::Status status, std::function<void()> then);

  // ---- what happened ----
  // Every report that was taken and was no heartbeat: "planned", "errored/plan_failed".
  std::vector<std::string> reports() const;
  int heartbeats() const;
  run::Facts facts() const;
  base::json::object Attributes(std::string_view status) const;  // of the first report of that status
  base::json::object created() const;                            // the attributes the run was created with
  int runs_made() const;
  std::vector<std::string> created_places() const;
  std::vector<std::string> requests() const;  // "POST /api/iacp/v3/runs"
  std::string everything_received() const;
  // Blocks until reports() has `count` entries, or heartbeats() is `count`.
  void WaitForReports(size_t count);
  void WaitForHeartbeats(int count);
  void WaitForRequest(const std::string& part);  // until requests() has one that contains it

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace runner
