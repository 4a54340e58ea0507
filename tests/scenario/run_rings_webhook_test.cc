// From a run's change of state to the request that the receiver gets.
#include "base/time_text.h"
#include "scenario/world.h"

namespace testing_support {
namespace {

using hook::Verdict;
namespace json = base::json;

std::string HeaderLines(const ReceivedRequest& request) {
  const size_t first_line_end = request.head.find("\r\n") + 2;
  return request.head.substr(first_line_end, request.head.size() - first_line_end - 2);
}

TEST(RunRingsWebhook, TheReceiverGetsASignedRequestOverTheExactBody) {
  World world;
  const std::string run = world.Ring({{"message", "Updated instance\n"}});
  world.receiver.WaitForRequests(1);
  const ReceivedRequest request = world.receiver.Requests()[0];

  EXPECT_NE(request.body.find(R"("message":"Updated instance\n",)"), std::string::npos) << request.body;
  EXPECT_EQ(request.body.find(R"({"payload_version":1,"event_name":"run:completed","run":{"id":")" + run), 0u)
      << request.body;
  EXPECT_EQ(request.Header("content-type"), "application/json");
  EXPECT_EQ(request.Header("content-length"), std::to_string(request.body.size()));
  EXPECT_EQ(request.Header("date"), base::FormatDateHeader(world.app.clock().Now()));

  const std::vector keys = {base::Secret(world.Secret())};
  const auto now = world.app.clock().Now();
  const auto window = std::chrono::minutes(5);
  EXPECT_EQ(hook::VerifyScalr(keys, HeaderLines(request), request.body, now, window).verdict, Verdict::kValid);
  EXPECT_EQ(hook::VerifyStandardWebhooks(keys, HeaderLines(request), request.body, now, window).verdict,
            Verdict::kValid);
  const std::vector wrong = {base::Secret("not the key")};
  EXPECT_EQ(hook::VerifyScalr(wrong, HeaderLines(request), request.body, now, window).verdict,
            Verdict::kWrongSignature);
}

TEST(RunRingsWebhook, ThePayloadNamesTheMakerAsTheApiDoes) {
  World world;
  const std::string run = world.Ring();
  world.receiver.WaitForRequests(1);
  const auto body = base::ParseJson(world.receiver.Requests()[0].body);
  ASSERT_TRUE(body);
  const std::string maker = base::StringAt(*body, {"run", "created_by", "id"}).value_or("");
  EXPECT_EQ(maker.substr(0, 5), "user-");
  EXPECT_EQ(maker, world.app.Http("GET", "/runs/" + run).At({"data", "relationships", "created-by", "data", "id"}));
}

TEST(RunRingsWebhook, EachEventRingsWithItsReason) {
  World world;
  const auto ring = [&](const json::object& attributes,
                        const std::vector<std::pair<std::string, json::object>>& moves) {
    const std::string run = world.app.CreateRun(world.workspace, attributes);
    for (const auto& [status, extra] : moves) world.app.Transition(run, status, extra);
    std::string rung;
    for (const auto& delivery : world.app.Deliveries(run)) {
      rung = std::string(run::Name(delivery.kind)) + "/" + std::string(run::Name(delivery.reason)) + " " + rung;
    }
    // A run that waits would keep the next one of the workspace in the queue.
    world.app.Http("POST", "/runs/" + run + "/actions/discard");
    return rung;
  };
  const json::object changes = {{"has-changes", true}};
  const json::object by_itself = {{"auto-apply", true}};
  EXPECT_EQ(ring({}, {{"planning", {}}, {"planned", changes}}), "run:needs_attention/approval ");
  EXPECT_EQ(ring(by_itself, {{"planning", {}}, {"planned", changes}, {"applying", {}}, {"applied", {}}}),
            "run:completed/applied ");
  EXPECT_EQ(ring({{"auto-apply", true}, {"is-destroy", true}},
                 {{"planning", {}}, {"planned", changes}, {"applying", {}}, {"applied", {}}}),
            "run:completed/destroyed ");
  EXPECT_EQ(ring({{"is-dry", true}}, {{"planning", {}}, {"planned_and_finished", changes}}),
            "run:completed/plan_only ");
  EXPECT_EQ(ring({}, {{"errored", {}}}), "run:errored/init_failed ");
  EXPECT_EQ(ring({}, {{"planning", {}}, {"errored", {}}}), "run:errored/plan_failed ");
  EXPECT_EQ(ring(by_itself, {{"planning", {}}, {"planned", changes}, {"applying", {}}, {"errored", {}}}),
            "run:errored/apply_failed ");
  EXPECT_EQ(ring({}, {{"planning", {}}, {"canceled", {}}}), "run:errored/canceled ");
  EXPECT_EQ(ring(by_itself, {{"planning", {}}, {"planned", changes}, {"policy_checking", {}}, {"policy_override", {}}}),
            "run:needs_attention/policy_override ");
  EXPECT_EQ(ring({}, {{"planning", {}}, {"planned", changes}, {"policy_checking", {}}, {"policy_checked", {}}}),
            "run:needs_attention/approval run:needs_attention/approval ");
}

TEST(RunRingsWebhook, AWorkspaceCreatedLaterInheritsAndAnotherEnvironmentDoesNot) {
  World world;
  const std::string later = world.app.CreateWorkspace(world.environment, "created-later");
  const std::string elsewhere = world.app.CreateWorkspace(world.app.CreateEnvironment("staging"), "network");
  EXPECT_EQ(world.app.Deliveries(world.RingIn(later)).size(), 1u);
  EXPECT_EQ(world.app.Deliveries(world.RingIn(elsewhere)).size(), 0u);
}

TEST(RunRingsWebhook, AWebhookOfAWorkspaceHearsOnlyThatWorkspace) {
  World world;
  const std::string neighbour = world.app.CreateWorkspace(world.environment, "neighbour");
  const std::string own = world.app.CreateWebhook(neighbour, world.endpoint, {}, {{"name", "own"}});
  EXPECT_EQ(world.app.Deliveries(world.RingIn(neighbour)).size(), 2u);
  EXPECT_EQ(world.app.Deliveries(world.Ring()).size(), 1u);

  const auto effective = world.app.Http("GET", "/workspaces/" + neighbour + "/effective-webhooks");
  EXPECT_EQ(effective.status, 200);
  EXPECT_EQ(effective.body.at("data").as_array().size(), 2u) << effective.text;
}

TEST(RunRingsWebhook, EveryWebhookThatDidNotFireSaysWhy) {
  World world;
  const std::string off =
      world.app.CreateWebhook(world.environment, world.endpoint, {}, {{"name", "off"}, {"enabled", false}});
  const std::string deaf =
      world.app.CreateWebhook(world.environment, world.endpoint, {"run:errored"}, {{"name", "deaf"}});
  const std::string run = world.Ring();
  const auto events = world.app.Http("GET", "/runs/" + run + "/events");
  ASSERT_EQ(events.status, 200) << events.text;
  ASSERT_EQ(events.body.at("data").as_array().size(), 1u) << events.text;
  EXPECT_NE(events.text.find("webhook_disabled"), std::string::npos) << events.text;
  EXPECT_NE(events.text.find("event_not_selected"), std::string::npos) << events.text;
  EXPECT_NE(events.text.find(off), std::string::npos) << events.text;
  EXPECT_NE(events.text.find(deaf), std::string::npos) << events.text;
}

TEST(RunRingsWebhook, SequenceCountsTheEventsOfAWorkspaceWithoutGaps) {
  World world;
  const std::string other = world.app.CreateWorkspace(world.environment, "other");
  for (int n = 0; n < 3; ++n) {
    world.Ring();
    world.RingIn(other);
  }
  world.receiver.WaitForRequests(6);
  std::map<std::string, std::set<int64_t>> sequences;
  for (const auto& request : world.receiver.Requests()) {
    const auto body = base::ParseJson(request.body);
    ASSERT_TRUE(body);
    sequences[*base::StringAt(*body, {"workspace", "id"})].insert(*base::IntAt(*body, {"sequence"}));
  }
  EXPECT_EQ(sequences[world.workspace], (std::set<int64_t>{1, 2, 3}));
  EXPECT_EQ(sequences[other], (std::set<int64_t>{1, 2, 3}));
}

TEST(RunRingsWebhook, AReportWithAKeySeenBeforeRingsNothing) {
  World world;
  const std::string run = world.app.CreateRun(world.workspace);
  world.app.Transition(run, "planning", {{"key", "a"}});
  const auto first = world.app.TryTransition(run, "errored", {{"key", "b"}});
  const auto second = world.app.TryTransition(run, "errored", {{"key", "b"}});
  EXPECT_EQ(first.status, 201) << first.text;
  EXPECT_EQ(second.status, 200) << second.text;
  EXPECT_EQ(world.app.Deliveries(run).size(), 1u);
}

TEST(RunRingsWebhook, TheHyphenFormIsSentToAnEndpointThatWantsIt) {
  World world({}, {{"payload-form", "hyphen"}});
  world.Ring();
  world.receiver.WaitForRequests(1);
  const std::string body = world.receiver.Requests()[0].body;
  EXPECT_EQ(body.find(R"({"environment":{)"), 0u) << body;
  EXPECT_NE(body.find(R"("event-name":"run:completed")"), std::string::npos) << body;
}

}  // namespace
}  // namespace testing_support
