// Pausing, disabling, rotating and deleting, and what each does to deliveries that wait.
#include <chrono>

#include "scenario/world.h"

namespace testing_support {
namespace {

using hook::Verdict;
using std::chrono::hours;
using std::chrono::seconds;
using store::DeliveryStatus;
namespace json = base::json;

std::string HeaderLines(const ReceivedRequest& request) {
  const size_t first_line_end = request.head.find("\r\n") + 2;
  return request.head.substr(first_line_end, request.head.size() - first_line_end - 2);
}

json::value Patch(std::string_view type, const std::string& id, json::object attributes) {
  return json::object{{"data", json::object{{"type", type}, {"id", id}, {"attributes", std::move(attributes)}}}};
}

TEST(EndpointState, APausedEndpointHoldsItsDeliveriesUntilItIsResumed) {
  World world;
  EXPECT_EQ(world.Act("pause").status, 200);
  std::vector<std::string> ids;
  for (int n = 0; n < 4; ++n) ids.push_back(world.RingOnce());
  world.app.clock().Advance(hours(48));
  EXPECT_EQ(world.receiver.RequestCount(), 0u);
  EXPECT_EQ(world.app.Delivery(ids[0]).status, DeliveryStatus::kPending);
  EXPECT_EQ(world.Act("resume").status, 200);
  for (const auto& id : ids) world.app.WaitForDelivery(id, DeliveryStatus::kCompleted);
  EXPECT_EQ(world.receiver.RequestCount(), ids.size());
}

TEST(EndpointState, AResumedEndpointGetsTheOldestFirst) {
  TestAppOptions options;
  options.adjust = [](app::Settings& settings) { settings.deliver.per_endpoint = 1; };
  World world(options);
  world.Act("pause");
  std::vector<std::string> ids, seen;
  for (int n = 0; n < 4; ++n) ids.push_back(world.RingOnce());
  world.Act("resume");
  world.receiver.WaitForRequests(ids.size());
  for (const auto& request : world.receiver.Requests()) seen.push_back(*request.Header("webhook-id"));
  EXPECT_EQ(seen, ids);
}

TEST(EndpointState, APauseHoldsAcrossARestart) {
  World world;
  world.Act("pause");
  const std::string id = world.RingOnce();
  world.app.Restart();
  world.app.clock().Advance(hours(1));
  EXPECT_EQ(world.app.Delivery(id).status, DeliveryStatus::kPending);
  EXPECT_EQ(world.receiver.RequestCount(), 0u);
  world.Act("resume");
  world.app.WaitForDelivery(id, DeliveryStatus::kCompleted);
}

TEST(EndpointState, A410DisablesTheEndpointAndFailsWhatWaits) {
  TestAppOptions options;
  options.adjust = [](app::Settings& settings) { settings.deliver.per_endpoint = 1; };
  World world(options);
  world.receiver.Then(Misbehave(Behaviour::Kind::kHangBeforeAnswer));
  const std::string first = world.RingOnce();
  world.receiver.WaitForRequests(1);
  const std::string second = world.RingOnce();  // waits behind the first
  world.receiver.SetDefault(Respond(410));
  world.receiver.Release();
  const auto retry_at = *world.app.WaitForAttempts(first, 1).next_attempt_at;
  world.app.WaitForDelivery(second, DeliveryStatus::kFailed);
  EXPECT_EQ(world.app.Delivery(second).why, hook::Why::kEndpointGone);
  world.app.WaitForDelivery(first, DeliveryStatus::kFailed);
  EXPECT_EQ(world.app.Delivery(first).why, hook::Why::kEndpointDisabled);

  const std::string run = world.Ring();
  EXPECT_EQ(world.app.Deliveries(run).size(), 0u);
  EXPECT_NE(world.app.Http("GET", "/runs/" + run + "/events").text.find("endpoint_disabled"), std::string::npos);

  world.receiver.SetDefault(Respond(204));
  EXPECT_EQ(world.Act("enable").status, 200);
  world.app.WaitForDelivery(world.RingOnce(), DeliveryStatus::kCompleted);
  world.app.clock().AdvanceTo(retry_at);
  EXPECT_EQ(world.app.Delivery(first).status, DeliveryStatus::kFailed) << "what failed does not come back by itself";
}

TEST(EndpointState, DisablingAWebhookStopsOnlyTheFanOut) {
  World world({}, {{"max-attempts", 10}});
  world.receiver.Refuse();
  const std::string id = world.RingOnce();
  world.app.WaitForAttempts(id, 1);
  const auto off =
      world.app.Http("PATCH", "/webhooks/" + world.webhook, Patch("webhooks", world.webhook, {{"enabled", false}}));
  ASSERT_EQ(off.status, 200) << off.text;
  EXPECT_EQ(world.app.Deliveries(world.Ring()).size(), 0u);
  world.receiver.AcceptAgain();
  world.app.clock().Advance(seconds(10));
  world.app.WaitForDelivery(id, DeliveryStatus::kCompleted);
}

TEST(EndpointState, RotationSignsWithBothSecretsUntilItsOverlapEnds) {
  World world;
  const base::Secret before(world.Secret());
  ASSERT_EQ(world.Act("rotate-secret").status, 200);
  const base::Secret after(world.Secret());
  ASSERT_NE(before.Reveal(), after.Reveal());
  const auto verdicts = [&](const base::Secret& secret) {
    world.app.WaitForDelivery(world.RingOnce(), DeliveryStatus::kCompleted);
    const auto request = world.receiver.Requests().back();
    const auto now = world.app.clock().Now();
    return std::pair(
        hook::VerifyScalr({secret}, HeaderLines(request), request.body, now, seconds(1)).verdict,
        hook::VerifyStandardWebhooks({secret}, HeaderLines(request), request.body, now, seconds(1)).verdict);
  };
  EXPECT_EQ(verdicts(before), (std::pair{Verdict::kValid, Verdict::kValid}));
  EXPECT_EQ(verdicts(after), (std::pair{Verdict::kWrongSignature, Verdict::kValid}));
  EXPECT_EQ(world.Act("end-rotation").status, 200);
  EXPECT_EQ(verdicts(before), (std::pair{Verdict::kWrongSignature, Verdict::kWrongSignature}));
  EXPECT_EQ(verdicts(after), (std::pair{Verdict::kValid, Verdict::kValid}));
}

TEST(EndpointState, TheOverlapEndsByItself) {
  World world;
  const base::Secret before(world.Secret());
  ASSERT_EQ(world.Act("rotate-secret").status, 200);
  world.app.WaitForDelivery(world.RingOnce(), DeliveryStatus::kCompleted);
  world.app.clock().Advance(hours(25));
  world.app.WaitForDelivery(world.RingOnce(), DeliveryStatus::kCompleted);
  const auto request = world.receiver.Requests().back();
  EXPECT_EQ(
      hook::VerifyStandardWebhooks({before}, HeaderLines(request), request.body, world.app.clock().Now(), seconds(1))
          .verdict,
      Verdict::kWrongSignature);
}

TEST(EndpointState, ACorrectedUrlServesTheNextAttempt) {
  World world;
  FakeEndpoint elsewhere;
  world.receiver.Refuse();
  const std::string id = world.RingOnce();
  const auto due = *world.app.WaitForAttempts(id, 1).next_attempt_at;
  const auto moved = world.app.Http("PATCH", "/endpoints/" + world.endpoint,
                                    Patch("endpoints", world.endpoint, {{"url", elsewhere.Url()}}));
  ASSERT_EQ(moved.status, 200) << moved.text;
  world.app.clock().AdvanceTo(due);
  world.app.WaitForDelivery(id, DeliveryStatus::kCompleted);
  EXPECT_EQ(elsewhere.RequestCount(), 1u);
}

TEST(EndpointState, AnEndpointInUseCannotBeDeleted) {
  World world;
  EXPECT_EQ(world.app.Http("DELETE", "/endpoints/" + world.endpoint).status, 409);
  EXPECT_EQ(world.app.Http("DELETE", "/webhooks/" + world.webhook).status, 204);
  EXPECT_EQ(world.app.Http("DELETE", "/endpoints/" + world.endpoint).status, 204);
  EXPECT_EQ(world.app.Http("GET", "/endpoints/" + world.endpoint).status, 404);
}

TEST(EndpointState, DeletingAnEnvironmentKeepsTheLogAndFailsWhatWaits) {
  World world({}, {{"max-attempts", 10}});
  world.app.WaitForDelivery(world.RingOnce(), DeliveryStatus::kCompleted);
  world.receiver.Refuse();
  const std::string waiting = world.RingOnce();
  world.app.WaitForAttempts(waiting, 1);
  ASSERT_EQ(world.app.Http("DELETE", "/environments/" + world.environment).status, 204);
  EXPECT_EQ(world.app.WaitForDelivery(waiting, DeliveryStatus::kFailed).why, hook::Why::kDeleted);
  EXPECT_EQ(world.app.Http("GET", "/workspaces/" + world.workspace).status, 404);
  EXPECT_EQ(world.app.Deliveries().size(), 2u);
  const auto read = world.app.Http("GET", "/integrations/webhook-deliveries/" + waiting);
  EXPECT_EQ(read.status, 200) << read.text;
  world.app.clock().Advance(hours(1));
  EXPECT_EQ(world.receiver.RequestCount(), 1u);
}

TEST(EndpointState, AnAttemptUnderWayWhenItsEnvironmentIsDeletedIsRecorded) {
  World world;
  world.receiver.SetDefault(Misbehave(Behaviour::Kind::kHangBeforeAnswer));
  const std::string id = world.RingOnce();
  world.receiver.WaitForRequests(1);
  ASSERT_EQ(world.app.Http("DELETE", "/environments/" + world.environment).status, 204);
  world.app.WaitForDelivery(id, DeliveryStatus::kFailed);
  world.receiver.Release();
  ASSERT_TRUE(world.app.WaitUntil([&] { return world.app.Attempts(id).size() == 1; }));
  EXPECT_EQ(world.app.Delivery(id).status, DeliveryStatus::kFailed);
  EXPECT_EQ(world.app.Delivery(id).why, hook::Why::kDeleted);
}

}  // namespace
}  // namespace testing_support
