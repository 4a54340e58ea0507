// The smallest world in which a webhook rings: an environment, a workspace, an endpoint on loopback and a webhook.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "support/fake_endpoint.h"
#include "support/test_app.h"

namespace testing_support {

struct World {
  explicit World(TestAppOptions options = {}, base::json::object endpoint_attributes = {})
      : app(std::move(options)),
        environment(app.CreateEnvironment("production")),
        workspace(app.CreateWorkspace(environment, "network")),
        endpoint(app.CreateEndpoint(environment, receiver.Url(), std::move(endpoint_attributes))),
        webhook(app.CreateWebhook(environment, endpoint)) {}

  FakeEndpoint receiver;
  TestApp app;
  std::string environment, workspace, endpoint, webhook;

  // A run that finishes without changes and so rings run:completed once. Returns the run's id.
  std::string Ring(base::json::object attributes = {}) { return RingIn(workspace, std::move(attributes)); }
  std::string RingIn(const std::string& in, base::json::object attributes = {}) {
    const std::string run = app.CreateRun(in, std::move(attributes));
    app.Transition(run, "planning");
    app.Transition(run, "planned_and_finished", {{"has-changes", false}});
    return run;
  }
  // Ring, and the id of its only delivery.
  std::string RingOnce() {
    const auto deliveries = app.Deliveries(Ring());
    EXPECT_EQ(deliveries.size(), 1u);
    return deliveries.empty() ? "" : base::Format(deliveries[0].id);
  }
  Reply Act(const std::string& action, base::json::value body = nullptr) {
    return app.Http("POST", "/endpoints/" + endpoint + "/actions/" + action, body);
  }
  std::string Secret() { return app.Http("GET", "/endpoints/" + endpoint).At({"data", "attributes", "secret-key"}); }
};

}  // namespace testing_support
