// TestApp: the whole server in this process, on port 0, with a ManualClock, seeded chance and a directory of its own.
//
// Time stands still until the test moves it. What happens in other threads is waited for by the store's commits, never
// by time; a wait that lasts 60 real seconds fails the test. Helpers fail the test when the server refuses.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/app.h"
#include "base/json.h"
#include "support/manual_clock.h"

namespace testing_support {

struct TestAppOptions {
  std::function<void(app::Settings&)> adjust;  // settings other than the defaults
  std::string directory;                       // data directory; empty: a fresh one, removed at the end
  net::Resolver* resolver = nullptr;           // null: the system's
  std::string vfs;
  uint64_t seed = 1;
  std::vector<std::string> egress_allow = {"127.0.0.0/8"};
};

struct Reply {
  int status = 0;
  std::string head, text;
  base::json::value body;  // null unless `text` is JSON
  // The text at a path of the body, empty when there is none: At({"data", "id"}).
  std::string At(std::initializer_list<std::string_view> path) const;
};

class TestApp {
 public:
  explicit TestApp(TestAppOptions options = {});
  ~TestApp();

  // A start that is expected to fail or to work; the constructor has started it already.
  base::Status Start();
  void Stop(base::Micros limit = base::Micros(0));  // limit 0: without waiting for what is under way
  void Restart();                                   // on the same directory, later by nothing

  ManualClock& clock() { return clock_; }
  app::App& app() { return *app_; }
  store::Store& store() { return app_->store(); }
  uint16_t port() const { return app_->port(); }
  const std::string& directory() const { return directory_; }
  const std::string& admin_token() const { return admin_token_; }

  // `path` is below /api/iacp/v3, or from the root when it is /healthz, /readyz or /metrics. `body` null: none.
  // An empty `token` is the admin's; "none": no Authorization.
  Reply Http(std::string_view method, std::string_view path, const base::json::value& body = nullptr,
             const std::string& token = "");
  Reply HttpText(std::string_view method, std::string_view path, std::string_view body, const std::string& token = "");

  // All return the id in its outside form. `attributes` are added to, or replace, those that are always sent.
  std::string CreateEnvironment(const std::string& name);
  std::string CreateWorkspace(const std::string& environment, const std::string& name,
                              base::json::object attributes = {});
  std::string CreateEndpoint(const std::string& environment, const std::string& url,
                             base::json::object attributes = {});
  // `scope` is an environment's or a workspace's id. Empty `events`: all three.
  std::string CreateWebhook(const std::string& scope, const std::string& endpoint,
                            const std::vector<std::string>& events = {}, base::json::object attributes = {});
  std::string CreateRun(const std::string& workspace, base::json::object attributes = {});
  std::string CreateToken(const std::vector<base::Grant>& grants, const std::string& name = "test");

  // Reports that a run reached `status`.
  Reply TryTransition(const std::string& run, const std::string& status, base::json::object attributes = {},
                      const std::string& token = "");
  Reply Transition(const std::string& run, const std::string& status, base::json::object attributes = {});
  // Takes a fresh run through planning to planned with changes, confirmed, applying and applied.
  void Apply(const std::string& run);

  // The newest deliveries, newest first; of one run when given.
  std::vector<store::Delivery> Deliveries(const std::string& run = "");
  store::Delivery Delivery(const std::string& id);
  std::vector<store::Attempt> Attempts(const std::string& id);
  store::Delivery WaitForDelivery(const std::string& id, store::DeliveryStatus status);
  // Until the delivery has made `attempts` attempts that used one up.
  store::Delivery WaitForAttempts(const std::string& id, int attempts);
  // Until nothing is pending; false when the wait failed.
  bool WaitForAllDelivered();
  // Looks again after each commit. False after 60 real seconds.
  bool WaitUntil(const std::function<bool()>& holds);

 private:
  struct Commits;
  std::string Create(std::string_view type, base::json::object attributes, base::json::object relationships);

  TestAppOptions options_;
  ManualClock clock_;
  std::unique_ptr<base::Random> random_;
  std::string directory_;
  bool own_directory_ = false;
  std::shared_ptr<Commits> commits_;
  std::unique_ptr<app::App> app_;
  std::string admin_token_;
};

}  // namespace testing_support
