// Random sequences of what can happen to deliveries, beside a small model that says what must have become of each.
#include <map>

#include "support/store_fixture.h"

namespace store {
namespace {

using base::DeliveryId;
using base::EndpointId;
using base::WebhookId;

struct ModelDelivery {
  EndpointId endpoint;
  WebhookId webhook;
  DeliveryStatus status = DeliveryStatus::kPending;
  int attempts = 0;
  bool held = true;  // by this process
};

class ModelTest : public StoreTest, public testing::WithParamInterface<uint64_t> {
 protected:
  static constexpr int kSteps = 150;

  size_t Pick(size_t below) { return static_cast<size_t>(chance_->Next() % below); }
  template <class Map>
  auto& PickOf(Map& map) {
    return *std::next(map.begin(), static_cast<ptrdiff_t>(Pick(map.size())));
  }

  void FailWaiting(EndpointId endpoint, WebhookId webhook) {
    for (auto& [id, d] : model_) {
      const bool meant = d.endpoint == endpoint || d.webhook == webhook;
      if (meant && d.status == DeliveryStatus::kPending) d.status = DeliveryStatus::kFailed;
    }
  }

  void RingOne() {
    const Transitioned rung = Ring(workspaces_[Pick(workspaces_.size())]);
    int fired = 0;
    const auto events = Ok(store_->EventsOf(kSystem, rung.run.id));
    for (const Considered& one : events.at(0).considered) {
      const EndpointId endpoint = webhooks_.at(one.webhook);
      ASSERT_EQ(static_cast<bool>(one.delivery), states_.at(endpoint) != EndpointState::kDisabled);
      if (!one.delivery) continue;
      ++fired;
      ASSERT_TRUE(model_.emplace(one.delivery, ModelDelivery{endpoint, one.webhook, {}, 0, true}).second);
    }
    EXPECT_EQ(rung.deliveries, fired);
  }

  // An attempt of any delivery, also of one that was failed meanwhile; never of one that has arrived.
  void RecordOne() {
    if (model_.empty()) return;
    auto& [id, d] = PickOf(model_);
    if (d.status == DeliveryStatus::kCompleted) return;
    Delivery delivery;
    delivery.id = id;
    delivery.endpoint = d.endpoint;
    delivery.attempts = d.attempts;
    if (!d.held) {
      EXPECT_EQ(Ok(Record({Arrived(delivery)})), 1);
      return;
    }
    switch (Pick(4)) {
      case 0:
        EXPECT_EQ(Ok(Record({Arrived(delivery)})), 0);
        d.status = DeliveryStatus::kCompleted;
        break;
      case 1: EXPECT_EQ(Ok(Record({Retried(delivery)})), 0); break;
      case 2:
        EXPECT_EQ(Ok(Record({GivenUp(delivery)})), 0);
        d.status = DeliveryStatus::kFailed;
        break;
      default: {
        auto record = Attempted(delivery, hook::Verb::kGiveUp, hook::Why::kEndpointGone, hook::Outcome::kGone);
        record.attempt.decision.disable_endpoint = true;
        EXPECT_EQ(Ok(Record({record})), 0);
        d.status = DeliveryStatus::kFailed;
        if (states_.count(d.endpoint) > 0) states_[d.endpoint] = EndpointState::kDisabled;
        FailWaiting(d.endpoint, {});
      }
    }
    ++d.attempts;
  }

  void SetState() {
    auto& [id, known] = PickOf(states_);
    const auto state = static_cast<EndpointState>(Pick(3));
    known = state;
    Ok(store_->Update<Endpoint>(kSystem, id, [&](Endpoint& e) {
      e.state = state;
      return base::Status();
    }));
    if (state == EndpointState::kDisabled) FailWaiting(id, {});
  }

  void ReplaceWebhook() {
    const auto [id, endpoint] = PickOf(webhooks_);
    Ok(store_->Delete<Webhook>(kSystem, id));
    FailWaiting({}, id);
    webhooks_.erase(id);
    const Endpoint at = Ok(store_->Get<Endpoint>(kSystem, endpoint));
    webhooks_[MakeWebhook(at, "webhook " + std::to_string(++made_)).id] = endpoint;
  }

  void ResendOne() {
    if (model_.empty()) return;
    const auto [id, d] = PickOf(model_);
    const bool possible = webhooks_.count(d.webhook) > 0 && states_.at(d.endpoint) != EndpointState::kDisabled;
    auto again = store_->Resend(kSystem, id);
    ASSERT_EQ(again.has_value(), possible);
    if (again) model_[again->id] = {d.endpoint, d.webhook, DeliveryStatus::kPending, 0, true};
  }

  void Restart() {
    Reopen();
    for (auto& [id, d] : model_) d.held = d.status == DeliveryStatus::kPending;
    size_t claimed = 0;
    for (DeliveryId after;;) {
      const auto page = Ok(store_->TakeOver(after, 7));
      if (page.empty()) break;
      claimed += page.size();
      after = page.back().id;
    }
    EXPECT_EQ(static_cast<int64_t>(claimed), Ok(store_->CountAll()).waiting);
  }

  void Compare() {
    const auto deliveries = Deliveries();
    ASSERT_EQ(deliveries.size(), model_.size());
    for (const Delivery& d : deliveries) {
      const ModelDelivery& m = model_.at(d.id);
      EXPECT_EQ(Name(d.status), Name(m.status)) << Format(d.id);
      EXPECT_EQ(d.attempts, m.attempts);
      EXPECT_EQ(Ok(store_->Attempts(kSystem, d.id)).size(), static_cast<size_t>(m.attempts));
      EXPECT_EQ(Ok(store_->Load({d.id})).size(), d.status == DeliveryStatus::kPending ? 1u : 0u);
    }
    CheckTotals();
  }

  std::unique_ptr<base::Random> chance_ = base::MakeSeededRandom(GetParam());
  std::vector<base::WorkspaceId> workspaces_;
  std::map<EndpointId, EndpointState> states_;
  std::map<WebhookId, EndpointId> webhooks_;
  std::map<DeliveryId, ModelDelivery> model_;
  int made_ = 0;
};

TEST_P(ModelTest, EveryDeliveryIsWhereItMustBe) {
  const Environment e = MakeEnvironment("e");
  for (int i = 0; i < 3; ++i) workspaces_.push_back(MakeWorkspace(e, "w" + std::to_string(i)).id);
  for (int i = 0; i < 2; ++i) {
    const Endpoint p = MakeEndpoint({e.id, {}}, "p" + std::to_string(i));
    states_[p.id] = EndpointState::kActive;
    webhooks_[MakeWebhook(p, "first of " + p.name).id] = p.id;
  }
  for (int step = 0; step < kSteps && !HasFailure(); ++step) {
    SCOPED_TRACE("step " + std::to_string(step));
    clock_.Advance(base::Micros(1000 * Pick(100'000)));
    switch (Pick(20)) {
      case 0: SetState(); break;
      case 1: ReplaceWebhook(); break;
      case 2: ResendOne(); break;
      case 3: Restart(); break;
      case 4: Ok(store_->Purge()); break;
      default: step % 2 == 0 ? RingOne() : RecordOne();
    }
    if (step % 25 == 24) Compare();
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ModelTest, testing::Range<uint64_t>(1, 9));

}  // namespace
}  // namespace store
