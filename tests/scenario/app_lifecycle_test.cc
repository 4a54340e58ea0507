// How the server starts, stops and looks after itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "store/sqlite.h"
#include "support/fake_endpoint.h"
#include "support/test_app.h"

namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace): this file tests with all of it
using testing::HasSubstr;

struct Rung {
  std::string workspace, delivery;
};

// A run that was applied, and its one delivery.
Rung Ring(TestApp& app, const std::string& url) {
  std::string environment = app.CreateEnvironment("production");
  std::string workspace = app.CreateWorkspace(environment, "network");
  app.CreateWebhook(environment, app.CreateEndpoint(environment, url), {"run:completed"});
  app.Apply(app.CreateRun(workspace));
  auto deliveries = app.Deliveries();
  EXPECT_EQ(deliveries.size(), 1u);
  return {workspace, deliveries.empty() ? "" : base::Format(deliveries[0].id)};
}

TEST(AppLifecycle, AnswersAndStops) {
  TestApp app;
  EXPECT_EQ(app.Http("GET", "/healthz", nullptr, "none").status, 200);
  EXPECT_EQ(app.Http("GET", "/readyz", nullptr, "none").status, 200);
  EXPECT_EQ(app.Http("GET", "/environments", nullptr, "none").status, 401);
  app.Stop(std::chrono::seconds(8));
}

TEST(AppLifecycle, SecondServerOnADirectoryRefusesAndNamesTheWayOut) {
  TestApp app;
  app::Settings settings = app::DefaultSettings();
  settings.listen = "127.0.0.1:0";
  settings.store.directory = app.directory();
  auto random = base::MakeSeededRandom(2);
  auto second = app::App::Open(std::move(settings), app.clock(), *random);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, base::Code::kConflict);
  EXPECT_THAT(second.error().message, HasSubstr("--server"));
}

TEST(AppLifecycle, TakenAddressIsAnErrorWithoutEffect) {
  TestApp app;
  TestApp other;
  other.Stop();
  app::Settings settings = app::DefaultSettings();
  settings.listen = "127.0.0.1:" + std::to_string(app.port());
  settings.store.directory = other.directory();
  auto random = base::MakeSeededRandom(2);
  auto second = app::App::Open(std::move(settings), other.clock(), *random);
  ASSERT_FALSE(second.has_value());
  EXPECT_THAT(second.error().Text(), HasSubstr(std::to_string(app.port())));
  ASSERT_TRUE(other.Start().has_value());
  EXPECT_EQ(other.Http("GET", "/healthz", nullptr, "none").status, 200);
}

TEST(AppLifecycle, StopWaitsForAnAttemptUnderWay) {
  FakeEndpoint endpoint;
  base::Signal asked, answer;
  endpoint.DecideBy([&](const ReceivedRequest&) {
    asked.Raise();
    answer.Wait();
    return Respond(204);
  });
  TestApp app;
  Rung rung = Ring(app, endpoint.Url());
  asked.Wait();
  std::thread stopping([&] { app.app().Stop(std::chrono::seconds(8)); });
  answer.Raise();
  stopping.join();
  app.Restart();
  EXPECT_EQ(app.WaitForDelivery(rung.delivery, store::DeliveryStatus::kCompleted).attempts, 1);
  EXPECT_EQ(endpoint.RequestCount(), 1u);
}

TEST(AppLifecycle, StopIsBoundedByItsLimitAndTheNextStartSends) {
  FakeEndpoint endpoint;
  endpoint.Then(Misbehave(Behaviour::Kind::kHangBeforeAnswer));
  TestApp app;
  Rung rung = Ring(app, endpoint.Url());
  endpoint.WaitForRequests(1);
  size_t timers = app.clock().PendingTimers();
  std::thread stopping([&] { app.app().Stop(std::chrono::seconds(8)); });
  ASSERT_TRUE(app.clock().WaitForTimers(timers + 1));
  app.clock().Advance(std::chrono::seconds(8));
  stopping.join();
  app.Restart();
  auto delivery = app.WaitForDelivery(rung.delivery, store::DeliveryStatus::kCompleted);
  EXPECT_EQ(delivery.attempts, 1);
  endpoint.WaitForRequests(2);
  EXPECT_EQ(endpoint.Requests()[0].Header("webhook-id"), endpoint.Requests()[1].Header("webhook-id"));
}

TEST(AppLifecycle, SilentRunIsDeclaredLost) {
  TestApp app;
  std::string environment = app.CreateEnvironment("production");
  std::string run = app.CreateRun(app.CreateWorkspace(environment, "network"));
  app.Transition(run, "planning");
  app.clock().Advance(std::chrono::minutes(16));
  EXPECT_TRUE(app.WaitUntil([&] {
    return app.Http("GET", "/runs/" + run).At({"data", "attributes", "status"}) == "errored";
  }));
  EXPECT_EQ(app.Http("GET", "/runs/" + run).At({"data", "attributes", "reason"}), "lost");
}

TEST(AppLifecycle, ALongOutageLosesNoRun) {
  TestApp app;
  const std::string run = app.CreateRun(app.CreateWorkspace(app.CreateEnvironment("production"), "network"));
  app.Transition(run, "planning");
  app.Stop();
  app.clock().Advance(std::chrono::hours(2));
  ASSERT_TRUE(app.Start());
  // Sweeps are due on the way, and each has been answered once a later write has.
  app.clock().Advance(std::chrono::minutes(14));
  app.CreateEnvironment("later");
  EXPECT_EQ(app.Http("GET", "/runs/" + run).At({"data", "attributes", "status"}), "planning");
  app.Transition(run, "planned_and_finished", {{"has-changes", false}});
}

TEST(AppLifecycle, LinksBeginWithTheExternalUrlHoweverItEnds) {
  FakeEndpoint endpoint;
  TestAppOptions options;
  options.adjust = [](app::Settings& settings) { settings.external_url = "https://bell.example/base//"; };
  TestApp app(options);
  Ring(app, endpoint.Url());
  endpoint.WaitForRequests(1);
  EXPECT_THAT(endpoint.Requests()[0].body, HasSubstr("\"https://bell.example/base/runs/run-"));
  EXPECT_THAT(app.Http("GET", "/runs").text, HasSubstr("\"https://bell.example/base/runs/run-"));
}

// What is stored is damaged: the delivery fails with a reason, rather than to wait for ever.
TEST(AppLifecycle, ADeliveryThatCannotBeReadFails) {
  for (const char* damage : {"UPDATE events SET body = x'0102030405'", "UPDATE endpoints SET secret = x'00'"}) {
    SCOPED_TRACE(damage);
    FakeEndpoint endpoint;
    endpoint.Then(Respond(500));
    TestApp app;
    const Rung rung = Ring(app, endpoint.Url());
    app.WaitForAttempts(rung.delivery, 1);
    app.Stop();
    {
      auto db = store::Db::Open(app.directory() + "/runbell.db", "", store::Db::Mode::kWrite, 100);
      ASSERT_TRUE(db);
      (*db)->Run(damage);
      ASSERT_TRUE((*db)->ok());
    }
    ASSERT_TRUE(app.Start());
    app.clock().Advance(std::chrono::seconds(10));
    const auto delivery = app.WaitForDelivery(rung.delivery, store::DeliveryStatus::kFailed);
    EXPECT_EQ(delivery.why, hook::Why::kInvalidRequest);
    EXPECT_FALSE(app.Attempts(rung.delivery).back().detail.empty());
    EXPECT_EQ(endpoint.Requests().size(), 1u);
  }
}

TEST(AppLifecycle, RetentionRemovesOldBodies) {
  FakeEndpoint endpoint;
  TestAppOptions options;
  options.adjust = [](app::Settings& settings) { settings.store.keep_bodies = std::chrono::hours(1); };
  TestApp app(options);
  Rung rung = Ring(app, endpoint.Url());
  app.WaitForDelivery(rung.delivery, store::DeliveryStatus::kCompleted);
  app.clock().Advance(std::chrono::hours(3));
  auto id = *base::Parse<base::DeliveryId>(rung.delivery);
  EXPECT_TRUE(app.WaitUntil([&] {
    auto detail = app.store().Detail(base::Principal::System(), id);
    return detail && detail->purged;
  }));
  EXPECT_EQ(app.Http("POST", "/integrations/webhook-deliveries/" + rung.delivery + "/actions/resend").status, 410);
}

}  // namespace
