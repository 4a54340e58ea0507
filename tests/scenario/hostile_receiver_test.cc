// Receivers that do everything wrong: each costs an attempt at most, and the next delivery arrives.
#include <chrono>

#include "scenario/world.h"

namespace testing_support {
namespace {

using Kind = Behaviour::Kind;
using std::chrono::seconds;
using store::DeliveryStatus;

class HostileReceiver : public ::testing::TestWithParam<Kind> {};

// What an answer with complete headers is worth is decided by its status; all others are tried again.
bool CountsAsDelivered(Kind kind) {
  switch (kind) {
    case Kind::kRespond:
    case Kind::kResetMidBody:
    case Kind::kCloseMidBody:
    case Kind::kLongerThanSaid:
    case Kind::kDrip:
    case Kind::kEndlessBody:
    case Kind::kGiantBody:
    case Kind::kGzipBomb:
    case Kind::kRespondAndClose: return true;
    default: return false;
  }
}

bool TakesTheRequest(Kind kind) { return kind == Kind::kHangBeforeAnswer || kind == Kind::kHangMidHeaders; }
bool HangsForEver(Kind kind) {
  return TakesTheRequest(kind) || kind == Kind::kHangAfterAccept || kind == Kind::kPlainBytes;
}

TEST_P(HostileReceiver, IsSurvivedAndTheDeliveryArrivesInTheEnd) {
  World world({}, {{"max-attempts", 5}});
  world.receiver.Then(Misbehave(GetParam()));
  const std::string id = world.RingOnce();
  const auto made = [&] { return !world.app.Attempts(id).empty(); };
  if (HangsForEver(GetParam())) {
    // The behaviour has to be taken before time passes, or the next attempt would meet it.
    if (TakesTheRequest(GetParam())) {
      world.receiver.WaitForRequests(1);
    } else {
      world.receiver.WaitForConnections(1);
    }
    world.app.clock().Advance(seconds(15));
  }
  ASSERT_TRUE(world.app.WaitUntil(made));
  const auto attempt = world.app.Attempts(id)[0];
  EXPECT_EQ(attempt.outcome == hook::Outcome::kDelivered, CountsAsDelivered(GetParam()))
      << hook::Name(attempt.outcome) << " " << attempt.detail;
  EXPECT_LE(attempt.response_body.size(), size_t{64} << 10);
  EXPECT_LE(attempt.response_headers.size(), size_t{64} << 10);
  const auto delivery = world.app.Delivery(id);
  if (delivery.next_attempt_at) world.app.clock().AdvanceTo(*delivery.next_attempt_at);
  world.app.WaitForDelivery(id, DeliveryStatus::kCompleted);

  world.receiver.Release();
  world.app.WaitForDelivery(world.RingOnce(), DeliveryStatus::kCompleted);
}

// Without the one whose end depends on whether the headers were read before time passes; net/'s tests can tell.
std::vector<Kind> Hostile() {
  std::vector<Kind> kinds = AllBehaviours();
  std::erase(kinds, Kind::kHangMidBody);
  return kinds;
}

INSTANTIATE_TEST_SUITE_P(All, HostileReceiver, ::testing::ValuesIn(Hostile()),
                         [](const auto& info) { return std::string(Name(info.param)); });

TEST(HostileReceiverNamed, ARedirectIsNeverFollowed) {
  World world;
  FakeEndpoint inside("127.0.0.3");
  world.receiver.Then(Redirect(inside.Url()));
  const std::string id = world.RingOnce();
  const auto due = *world.app.WaitForAttempts(id, 1).next_attempt_at;
  EXPECT_EQ(world.app.Attempts(id)[0].outcome, hook::Outcome::kRedirected);
  world.app.clock().AdvanceTo(due);
  world.app.WaitForDelivery(id, DeliveryStatus::kCompleted);
  EXPECT_EQ(inside.ConnectionCount(), 0u);
}

TEST(HostileReceiverNamed, BadTlsIsAFailureWithAReasonAndRecovers) {
  World world({}, {{"max-attempts", 5}});
  for (const auto kind : {CertificateKind::kSelfSigned, CertificateKind::kExpired}) {
    FakeEndpoint secure("127.0.0.1", kind);
    const std::string name = "tls-" + std::to_string(static_cast<int>(kind));
    const std::string workspace = world.app.CreateWorkspace(world.environment, name);
    const std::string endpoint = world.app.CreateEndpoint(world.environment, secure.Url(), {{"name", name}});
    const std::string webhook = world.app.CreateWebhook(workspace, endpoint, {}, {{"name", name}});
    std::string id;
    for (const auto& delivery : world.app.Deliveries(world.RingIn(workspace))) {
      if (base::Format(delivery.webhook) == webhook) id = base::Format(delivery.id);
    }
    world.app.WaitForAttempts(id, 1);
    const auto attempt = world.app.Attempts(id)[0];
    EXPECT_EQ(attempt.outcome, hook::Outcome::kTlsFailed);
    EXPECT_NE(attempt.detail, "");
    EXPECT_EQ(secure.RequestCount(), 0u) << "nothing is sent over a connection that cannot be trusted";
  }
  world.app.WaitForDelivery(world.RingOnce(), DeliveryStatus::kCompleted);
}

}  // namespace
}  // namespace testing_support
