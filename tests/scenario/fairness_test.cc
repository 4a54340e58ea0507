// An endpoint in trouble keeps nobody waiting but itself.
#include "scenario/world.h"

namespace testing_support {
namespace {

using store::DeliveryStatus;

TEST(Fairness, WhileOneEndpointHangsTheOthersAreServedWithoutTimePassing) {
  World world;
  FakeEndpoint hanging("127.0.0.2");
  hanging.SetDefault(Misbehave(Behaviour::Kind::kHangBeforeAnswer));
  const std::string endpoint = world.app.CreateEndpoint(world.environment, hanging.Url(), {{"name", "hanging"}});
  world.app.CreateWebhook(world.environment, endpoint, {}, {{"name", "hanging"}});
  constexpr size_t kEvents = 100;
  const auto before = world.app.clock().Now();
  for (size_t n = 0; n < kEvents; ++n) world.Ring();
  world.receiver.WaitForRequests(kEvents);
  EXPECT_EQ(world.app.clock().Now(), before);
  EXPECT_LE(hanging.ConnectionCount(), 32u) << "its own limit of requests under way";
}

TEST(Fairness, ManyHangingEndpointsLeaveRoomForAHealthyOne) {
  World world;
  std::vector<std::unique_ptr<FakeEndpoint>> hanging;
  for (int n = 0; n < 20; ++n) {
    hanging.push_back(std::make_unique<FakeEndpoint>("127.0.1." + std::to_string(n + 1)));
    hanging.back()->SetDefault(Misbehave(Behaviour::Kind::kHangAfterAccept));
    const std::string name = "hanging-" + std::to_string(n);
    world.app.CreateWebhook(world.environment,
                            world.app.CreateEndpoint(world.environment, hanging.back()->Url(), {{"name", name}}), {},
                            {{"name", name}});
  }
  for (int n = 0; n < 40; ++n) world.Ring();
  world.receiver.WaitForRequests(40);
}

TEST(Fairness, NeighboursOnOneHostShareItsLimit) {
  TestAppOptions options;
  options.adjust = [](app::Settings& settings) {
    settings.deliver.per_endpoint = 4;
    settings.deliver.per_host = 6;
  };
  World world(options);
  const std::string neighbour =
      world.app.CreateEndpoint(world.environment, world.receiver.Url("/neighbour"), {{"name", "neighbour"}});
  world.app.CreateWebhook(world.environment, neighbour, {}, {{"name", "neighbour"}});
  world.receiver.SetDefault(Misbehave(Behaviour::Kind::kHangBeforeAnswer));
  for (int n = 0; n < 10; ++n) world.Ring();
  world.receiver.WaitForRequests(6);
  EXPECT_EQ(world.receiver.RequestCount(), 6u);
  world.receiver.SetDefault(Respond(204));
  world.receiver.Release();
  world.receiver.WaitForRequests(14);
}

}  // namespace
}  // namespace testing_support
