// What happens to a delivery that does not arrive at once, over days of manual time.
#include <chrono>

#include "scenario/world.h"
#include "support/fake_resolver.h"

namespace testing_support {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using store::DeliveryStatus;
namespace json = base::json;

TEST(Retry, TheWholeScheduleThenGivesUpWithAReason) {
  World world({}, {{"max-attempts", 12}});
  world.receiver.SetDefault(Respond(500));
  const std::string id = world.RingOnce();
  const std::vector<base::Micros> waits = {seconds(5), minutes(5), minutes(30), hours(2),  hours(5), hours(10),
                                           hours(14),  hours(20),  hours(24),   hours(24), hours(24)};
  for (size_t n = 0; n < waits.size(); ++n) {
    SCOPED_TRACE(n + 1);
    const int made = static_cast<int>(n) + 1;
    const auto delivery = world.app.WaitForAttempts(id, made);
    ASSERT_EQ(delivery.status, DeliveryStatus::kPending);
    const auto wait = *delivery.next_attempt_at - world.app.clock().Now();
    EXPECT_GE(wait, waits[n]);
    EXPECT_LE(wait, waits[n] + waits[n] / 10);
    world.app.clock().AdvanceTo(*delivery.next_attempt_at - base::Micros(1));
    EXPECT_EQ(world.receiver.RequestCount(), n + 1);
    world.app.clock().AdvanceTo(*delivery.next_attempt_at);
  }
  const auto delivery = world.app.WaitForDelivery(id, DeliveryStatus::kFailed);
  EXPECT_EQ(delivery.why, hook::Why::kAttemptsExhausted);
  EXPECT_EQ(delivery.attempts, 12);
  EXPECT_FALSE(delivery.next_attempt_at);

  std::set<std::string> ids, dates;
  for (const auto& request : world.receiver.Requests()) {
    ids.insert(*request.Header("X-Scalr-Delivery-Id"));
    EXPECT_EQ(request.Header("webhook-id"), request.Header("X-Scalr-Delivery-Id"));
    dates.insert(*request.Header("Date"));
  }
  EXPECT_EQ(ids, std::set<std::string>{id});
  EXPECT_EQ(dates.size(), 12u) << "the Date is fresh for each attempt";
}

TEST(Retry, TheDefaultOfThreeAttemptsGivesUpAfterAboutFiveMinutes) {
  World world;
  world.receiver.Refuse();
  const auto start = world.app.clock().Now();
  const std::string id = world.RingOnce();
  for (int made = 1; made < 3; ++made)
    world.app.clock().AdvanceTo(*world.app.WaitForAttempts(id, made).next_attempt_at);
  const auto delivery = world.app.WaitForDelivery(id, DeliveryStatus::kFailed);
  EXPECT_EQ(delivery.outcome, hook::Outcome::kConnectRefused);
  const auto took = world.app.clock().Now() - start;
  EXPECT_GE(took, minutes(5));
  EXPECT_LE(took, minutes(6));
}

TEST(Retry, EveryAttemptIsKeptWithWhatWasSentAndAnswered) {
  World world;
  world.receiver.Then(Respond(503, "X-Reason: nap\r\n", "asleep"));
  const std::string id = world.RingOnce();
  world.app.clock().AdvanceTo(*world.app.WaitForAttempts(id, 1).next_attempt_at);
  world.app.WaitForDelivery(id, DeliveryStatus::kCompleted);
  const auto attempts = world.app.Attempts(id);
  ASSERT_EQ(attempts.size(), 2u);
  const auto requests = world.receiver.Requests();
  for (size_t n = 0; n < 2; ++n) {
    const std::string head = requests[n].head.substr(requests[n].head.find("\r\n") + 2);
    EXPECT_EQ(attempts[n].request_headers + "\r\n", head);
    EXPECT_EQ(attempts[n].number, static_cast<int>(n) + 1);
    EXPECT_EQ(attempts[n].address, "127.0.0.1:" + std::to_string(world.receiver.port()));
    EXPECT_GE(attempts[n].total_us, 0);
  }
  EXPECT_EQ(attempts[0].response_code, 503);
  EXPECT_NE(attempts[0].response_headers.find("X-Reason: nap"), std::string::npos);
  EXPECT_EQ(attempts[0].response_body, "asleep");
  EXPECT_EQ(attempts[0].outcome, hook::Outcome::kServerError);
  EXPECT_EQ(attempts[0].decision.verb, hook::Verb::kRetry);
  EXPECT_EQ(attempts[1].outcome, hook::Outcome::kDelivered);
}

TEST(Retry, RetryAfterHoldsTheWholeEndpoint) {
  World world;
  world.receiver.Then(Respond(429, "Retry-After: 600\r\n"));
  const auto start = world.app.clock().Now();
  const std::string first = world.RingOnce();
  EXPECT_EQ(world.app.WaitForAttempts(first, 1).next_attempt_at, start + seconds(600));
  const std::string second = world.RingOnce();
  world.app.clock().Advance(seconds(599));
  EXPECT_EQ(world.app.Delivery(second).attempts, 0);
  EXPECT_EQ(world.receiver.RequestCount(), 1u);
  world.app.clock().Advance(seconds(1));
  world.app.WaitForDelivery(first, DeliveryStatus::kCompleted);
  world.app.WaitForDelivery(second, DeliveryStatus::kCompleted);
}

TEST(Retry, RetryAfterHoldsAcrossARestart) {
  World world;
  world.receiver.Then(Respond(503, "Retry-After: 3600\r\n"));
  const std::string id = world.RingOnce();
  const auto due = *world.app.WaitForAttempts(id, 1).next_attempt_at;
  world.app.Restart();
  world.app.clock().AdvanceTo(due - seconds(1));
  EXPECT_EQ(world.receiver.RequestCount(), 1u);
  world.app.clock().AdvanceTo(due);
  world.app.WaitForDelivery(id, DeliveryStatus::kCompleted);
}

TEST(Retry, AnOwnFaultUsesUpNoAttempt) {
  FakeResolver resolver;
  TestAppOptions options;
  options.resolver = &resolver;
  World world(options, {{"max-attempts", 1}});
  resolver.Fail("hooks.example.com", net::Resolved::Fault::kDown);
  const auto changed = world.app.Http(
      "PATCH", "/endpoints/" + world.endpoint,
      json::object{{"data", json::object{{"type", "endpoints"},
                                         {"id", world.endpoint},
                                         {"attributes", {{"url", world.receiver.UrlAs("hooks.example.com")}}}}}});
  ASSERT_EQ(changed.status, 200) << changed.text;
  const std::string id = world.RingOnce();
  for (size_t faults = 1; faults <= 3; ++faults) {
    ASSERT_TRUE(world.app.WaitUntil([&] { return world.app.Attempts(id).size() == faults; }));
    const auto delivery = world.app.Delivery(id);
    EXPECT_EQ(delivery.status, DeliveryStatus::kPending);
    EXPECT_EQ(delivery.attempts, 0);
    EXPECT_EQ(delivery.why, hook::Why::kOwnFault);
    if (faults == 3) resolver.Set("hooks.example.com", {{"127.0.0.1"}});
    world.app.clock().AdvanceTo(*delivery.next_attempt_at);
  }
  EXPECT_EQ(world.app.WaitForDelivery(id, DeliveryStatus::kCompleted).attempts, 1);
}

TEST(Retry, ANameThatResolvesToAPrivateAddressFailsAtOnceWithItsReason) {
  FakeResolver resolver;
  resolver.Set("inside.example.com", {{"10.1.2.3"}});
  resolver.Set("mixed.example.com", {{"127.0.0.1", "169.254.169.254"}});
  TestAppOptions options;
  options.resolver = &resolver;
  World world(options);
  for (const std::string name : {"inside.example.com", "mixed.example.com"}) {
    const std::string endpoint =
        world.app.CreateEndpoint(world.environment, world.receiver.UrlAs(name), {{"name", name}});
    const std::string workspace = world.app.CreateWorkspace(world.environment, name.substr(0, name.find('.')));
    const std::string webhook = world.app.CreateWebhook(workspace, endpoint, {}, {{"name", name}});
    std::string id;
    for (const auto& delivery : world.app.Deliveries(world.RingIn(workspace))) {
      if (base::Format(delivery.webhook) == webhook) id = base::Format(delivery.id);
    }
    const auto delivery = world.app.WaitForDelivery(id, DeliveryStatus::kFailed);
    EXPECT_EQ(delivery.why, hook::Why::kAddressRefused) << name;
    EXPECT_EQ(delivery.attempts, 1) << name;
  }
}

TEST(Retry, ALateDeliveryStillSaysWhatWasTrueWhenItsEventWasAccepted) {
  World world({}, {{"max-attempts", 10}});
  world.receiver.Refuse();
  const std::string run = world.app.CreateRun(world.workspace);
  world.app.Transition(run, "planning");
  world.app.Transition(run, "planned", {{"has-changes", true}});
  const std::string id = base::Format(world.app.Deliveries(run).at(0).id);
  const auto due = *world.app.WaitForAttempts(id, 1).next_attempt_at;
  ASSERT_EQ(world.app.Http("POST", "/runs/" + run + "/actions/apply").status, 202);
  world.app.Transition(run, "applying");
  world.app.Transition(run, "applied");
  world.receiver.AcceptAgain();
  world.app.clock().AdvanceTo(due);
  world.app.WaitForDelivery(id, DeliveryStatus::kCompleted);
  for (const auto& request : world.receiver.Requests()) {
    if (request.Header("X-Scalr-Delivery-Id") != id) continue;
    EXPECT_NE(request.body.find(R"("event_name":"run:needs_attention")"), std::string::npos);
    EXPECT_NE(request.body.find(R"("status":"planned")"), std::string::npos) << request.body;
  }
}

TEST(Retry, SendingAgainMakesANewDeliveryWithTheSameBody) {
  World world;
  const std::string first = world.RingOnce();
  world.app.WaitForDelivery(first, DeliveryStatus::kCompleted);
  const auto resent = world.app.Http("POST", "/integrations/webhook-deliveries/" + first + "/actions/resend");
  ASSERT_EQ(resent.status, 201) << resent.text;
  const std::string second = resent.At({"data", "id"});
  EXPECT_NE(second, first);
  world.app.WaitForDelivery(second, DeliveryStatus::kCompleted);
  EXPECT_EQ(base::Format(world.app.Delivery(second).resend_of), first);
  const auto requests = world.receiver.Requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].body, requests[1].body);
  EXPECT_EQ(requests[1].Header("webhook-id"), second);
}

TEST(Retry, WaitingDeliveriesGoOnAfterARestartUnderTheirOldIds) {
  World world({}, {{"max-attempts", 10}});
  world.receiver.Refuse();
  std::set<std::string> ids;
  for (int n = 0; n < 5; ++n) ids.insert(world.RingOnce());
  for (const auto& id : ids) world.app.WaitForAttempts(id, 1);
  world.app.Restart();
  world.receiver.AcceptAgain();
  world.app.clock().Advance(seconds(10));
  std::set<std::string> seen;
  for (const auto& id : ids) {
    EXPECT_EQ(world.app.WaitForDelivery(id, DeliveryStatus::kCompleted).attempts, 2);
  }
  for (const auto& request : world.receiver.Requests()) seen.insert(*request.Header("webhook-id"));
  EXPECT_EQ(seen, ids);
}

}  // namespace
}  // namespace testing_support
