#include <map>

#include "support/store_fixture.h"

namespace store {
namespace {

using base::Code;
using hook::Why;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class DeliveriesTest : public StoreTest {
 protected:
  DeliveriesTest() {
    environment_ = MakeEnvironment("prod");
    workspace_ = MakeWorkspace(environment_, "network");
    endpoint_ = MakeEndpoint({environment_.id, {}}, "chat");
    webhook_ = MakeWebhook(endpoint_, "all of it");
  }
  Delivery Get(const Delivery& delivery) { return Ok(store_->Get<Delivery>(kSystem, delivery.id)); }
  void ExpectFailed(const Delivery& delivery, Why why) {
    const Delivery now = Get(delivery);
    EXPECT_EQ(now.status, DeliveryStatus::kFailed);
    EXPECT_EQ(Name(now.why), Name(why));
    EXPECT_FALSE(now.next_attempt_at);
    EXPECT_TRUE(Ok(store_->Load({delivery.id})).empty());
  }
  void SetState(EndpointState state) {
    Ok(store_->Update<Endpoint>(kSystem, endpoint_.id, [&](Endpoint& e) {
      e.state = state;
      return base::Status();
    }));
  }
  std::vector<std::string> Feed() {
    ChangesQuery query;
    query.kind = "delivery";
    std::vector<std::string> actions;
    for (const Change& change : Ok(store_->Changes(kSystem, query))) actions.push_back(change.action);
    return actions;
  }
  template <class T>
  void ExpectCode(const base::Result<T>& result, Code code) {
    ASSERT_FALSE(result);
    EXPECT_EQ(Name(result.error().code), Name(code)) << result.error().Text();
  }

  Environment environment_;
  Workspace workspace_;
  Endpoint endpoint_;
  Webhook webhook_;
};

TEST_F(DeliveriesTest, AnEventIsAcceptedLoadedAndRecorded) {
  const Transitioned rung = Ring(workspace_.id);
  ASSERT_TRUE(rung.event);
  EXPECT_EQ(rung.deliveries, 1);
  const Delivery delivery = TheDelivery();
  EXPECT_EQ(delivery.status, DeliveryStatus::kPending);
  EXPECT_EQ(delivery.kind, run::EventKind::kErrored);
  EXPECT_EQ(delivery.environment, environment_.id);
  EXPECT_EQ(delivery.triggered_at, clock_.Now());
  {
    auto seen = seen_.Lock();
    ASSERT_EQ(seen->waiting.size(), 1u);
    EXPECT_EQ(seen->waiting[0].id, delivery.id);
    EXPECT_EQ(seen->waiting[0].endpoint, endpoint_.id);
  }
  const auto loaded = Ok(store_->Load({delivery.id}));
  ASSERT_EQ(loaded.size(), 1u);
  EXPECT_NE(loaded[0].body.find("\"message\":\"Updated instance\\n\""), std::string::npos) << loaded[0].body;
  EXPECT_NE(loaded[0].body.find("\"webhook\":{\"id\":\"" + Format(webhook_.id) + "\",\"name\":\"all of it\"}"),
            std::string::npos);
  EXPECT_NE(loaded[0].body.find("http://runbell.test/runs/" + Format(rung.run.id)), std::string::npos);

  AttemptRecord record = Arrived(delivery);
  record.attempt.request_headers = "Host: x\r\nX-Scalr-Delivery-Id: " + Format(delivery.id) + "\r\n";
  record.attempt.response_headers = "Content-Length: 2\r\n";
  record.attempt.response_body = "ok";
  record.attempt.response_cut = true;
  record.attempt.address = "127.0.0.1:1";
  record.attempt.total_us = 1234;
  EXPECT_EQ(Ok(Record({record})), 0);
  const DeliveryDetail detail = Ok(store_->Detail(kSystem, delivery.id));
  EXPECT_EQ(detail.delivery.status, DeliveryStatus::kCompleted);
  EXPECT_EQ(detail.delivery.response_code, 200);
  EXPECT_EQ(detail.delivery.attempts, 1);
  EXPECT_EQ(detail.body, loaded[0].body);
  ASSERT_TRUE(detail.last_attempt);
  EXPECT_EQ(detail.last_attempt->request_headers, record.attempt.request_headers);
  EXPECT_EQ(detail.last_attempt->response_headers, "Content-Length: 2\r\n");
  EXPECT_EQ(detail.last_attempt->response_body, "ok");
  EXPECT_TRUE(detail.last_attempt->response_cut);
  EXPECT_EQ(detail.last_attempt->address, "127.0.0.1:1");
  EXPECT_EQ(detail.last_attempt->total_us, 1234);
  EXPECT_EQ(detail.last_attempt->tls_us, -1);
  EXPECT_EQ(detail.last_attempt->number, 1);
  EXPECT_EQ(detail.last_attempt->decision, record.attempt.decision);
  EXPECT_EQ(Feed(), std::vector<std::string>{"delivery.delivered"});
  EXPECT_EQ(Ok(store_->Get<Webhook>(kSystem, webhook_.id)).last_triggered_at, clock_.Now());
  CheckTotals();
}

TEST_F(DeliveriesTest, ARetryWaitsAgainAndKeepsEveryAttempt) {
  Ring(workspace_.id);
  Delivery delivery = TheDelivery();
  for (int i = 1; i <= 3; ++i) {
    seen_.Lock()->waiting.clear();
    AttemptRecord record = Retried(delivery, minutes(i));
    record.attempt.number = i;
    record.attempt.detail = "attempt " + std::to_string(i);
    EXPECT_EQ(Ok(Record({record})), 0);
    delivery = Get(delivery);
    EXPECT_EQ(delivery.attempts, i);
    EXPECT_EQ(delivery.next_attempt_at, clock_.Now() + minutes(i));
    EXPECT_EQ(delivery.outcome, hook::Outcome::kServerError);
    ASSERT_EQ(seen_.Lock()->waiting.size(), 1u);
    EXPECT_EQ(seen_.Lock()->waiting[0].due, clock_.Now() + minutes(i));
    EXPECT_EQ(store_->OldestDue(), clock_.Now() + minutes(i));
    EXPECT_EQ(Ok(Record({record})), 1) << "recorded twice";
    clock_.Advance(minutes(i));
  }
  EXPECT_EQ(Ok(store_->Targets({endpoint_.id})).at(0).failures_in_a_row, 3);
  EXPECT_EQ(Ok(store_->Load({delivery.id})).at(0).attempts_made, 3);
  Ok(Record({GivenUp(delivery)}));
  ExpectFailed(delivery, Why::kAttemptsExhausted);
  const auto attempts = Ok(store_->Attempts(kSystem, delivery.id));
  ASSERT_EQ(attempts.size(), 4u);
  for (int i = 1; i <= 3; ++i) {
    const Attempt& attempt = attempts[static_cast<size_t>(i) - 1];
    EXPECT_EQ(attempt.number, i);
    EXPECT_EQ(attempt.detail, "attempt " + std::to_string(i));
    EXPECT_EQ(attempt.decision.retry_at, attempt.started_at + minutes(i));
  }
  EXPECT_FALSE(store_->OldestDue());
  CheckTotals();
}

TEST_F(DeliveriesTest, OwnFaultsUseUpNoAttemptAndBlameNobody) {
  Ring(workspace_.id);
  Delivery delivery = TheDelivery();
  for (int i = 1; i <= 2; ++i) {
    auto record = Attempted(delivery, hook::Verb::kRetry, Why::kOwnFault, hook::Outcome::kOwnFault);
    record.attempt.decision.retry_at = clock_.Now() + seconds(1);
    Ok(Record({record}));
    delivery = Get(delivery);
    EXPECT_EQ(delivery.attempts, 0);
    const Loaded loaded = Ok(store_->Load({delivery.id})).at(0);
    EXPECT_EQ(loaded.own_faults, i);
    EXPECT_EQ(loaded.attempts_made, i);
  }
  EXPECT_EQ(Ok(store_->Targets({endpoint_.id})).at(0).failures_in_a_row, 0);
  Ok(Record({Retried(delivery)}));
  EXPECT_EQ(Ok(store_->Load({delivery.id})).at(0).own_faults, 0);
  Ok(Record({Arrived(Get(delivery))}));
  EXPECT_EQ(Ok(store_->Targets({endpoint_.id})).at(0).failures_in_a_row, 0);
}

TEST_F(DeliveriesTest, ANewProcessTakesOverAndTheOldOneIsFencedOff) {
  for (int i = 0; i < 5; ++i) Ring(workspace_.id);
  auto deliveries = Deliveries();
  std::reverse(deliveries.begin(), deliveries.end());
  Ok(Record({Retried(deliveries[1], hours(1)), Arrived(deliveries[3])}));
  Reopen();
  EXPECT_TRUE(Ok(store_->Load({deliveries[0].id})).empty()) << "not claimed yet";
  EXPECT_EQ(Ok(Record({Arrived(deliveries[0])})), 1);
  Ring(workspace_.id);  // is claimed already

  std::vector<Waiting> all;
  base::DeliveryId after;
  while (true) {
    const auto page = Ok(store_->TakeOver(after, 3));
    if (page.empty()) break;
    all.insert(all.end(), page.begin(), page.end());
    after = page.back().id;
  }
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].id, deliveries[0].id);
  EXPECT_EQ(all[1].id, deliveries[1].id);
  EXPECT_EQ(all[1].due, clock_.Now() + hours(1));
  EXPECT_EQ(all[2].id, deliveries[2].id);
  EXPECT_EQ(all[3].id, deliveries[4].id);
  EXPECT_EQ(Ok(store_->Load({deliveries[0].id})).size(), 1u);
  EXPECT_EQ(Ok(Record({Arrived(deliveries[0])})), 0);
  CheckTotals();
}

TEST_F(DeliveriesTest, GoneDisablesTheEndpointAndFailsWhatWaits) {
  for (int i = 0; i < 3; ++i) Ring(workspace_.id);
  const auto deliveries = Deliveries();
  auto record = Attempted(deliveries[0], hook::Verb::kGiveUp, Why::kEndpointGone, hook::Outcome::kGone);
  record.attempt.response_code = 410;
  record.attempt.decision.disable_endpoint = true;
  // The second one was under way meanwhile and arrived, the third one was under way and did not.
  Ok(Record({record, Arrived(deliveries[1]), Retried(deliveries[2])}));
  ExpectFailed(deliveries[0], Why::kEndpointGone);
  EXPECT_EQ(Get(deliveries[1]).status, DeliveryStatus::kCompleted);
  ExpectFailed(deliveries[2], Why::kEndpointDisabled);
  EXPECT_EQ(Ok(store_->Attempts(kSystem, deliveries[2].id)).size(), 1u);
  const Endpoint now = Ok(store_->Get<Endpoint>(kSystem, endpoint_.id));
  EXPECT_EQ(now.state, EndpointState::kDisabled);
  EXPECT_EQ(now.state_reason, "gone");
  EXPECT_EQ(seen_.Lock()->dropped, std::vector{endpoint_.id});
  CheckTotals();

  const Transitioned later = Ring(workspace_.id);
  EXPECT_EQ(later.deliveries, 0);
  EXPECT_EQ(Ok(store_->EventsOf(kSystem, later.run.id)).at(0).considered.at(0).not_fired, NotFired::kEndpointDisabled);
  SetState(EndpointState::kActive);
  EXPECT_EQ(Ok(store_->Targets({endpoint_.id})).at(0).failures_in_a_row, 0);
  EXPECT_EQ(Ring(workspace_.id).deliveries, 1);
}

TEST_F(DeliveriesTest, DisablingByHandFailsWhatWaitsAndPausingHoldsIt) {
  Ring(workspace_.id);
  const Delivery delivery = TheDelivery();
  SetState(EndpointState::kPaused);
  EXPECT_EQ(Ok(store_->Targets({endpoint_.id})).at(0).state, EndpointState::kPaused);
  EXPECT_EQ(Get(delivery).status, DeliveryStatus::kPending);
  EXPECT_EQ(Ring(workspace_.id).deliveries, 1) << "a paused endpoint collects";
  SetState(EndpointState::kActive);
  EXPECT_TRUE(seen_.Lock()->dropped.empty());
  SetState(EndpointState::kDisabled);
  ExpectFailed(delivery, Why::kEndpointDisabled);
  EXPECT_EQ(Ok(store_->Get<Endpoint>(kSystem, endpoint_.id)).state_reason, "by hand");
  CheckTotals();
}

TEST_F(DeliveriesTest, RetryAfterHoldsTheEndpoint) {
  Ring(workspace_.id);
  auto record = Retried(TheDelivery());
  record.attempt.decision.pause_endpoint = clock_.Now() + hours(2);
  Ok(Record({record}));
  EXPECT_EQ(Ok(store_->Targets({endpoint_.id})).at(0).held_until, clock_.Now() + hours(2));
  EXPECT_EQ(seen_.Lock()->endpoints.back(), endpoint_.id);
  Reopen();
  EXPECT_EQ(Ok(store_->Targets({endpoint_.id})).at(0).held_until, clock_.Now() + hours(2));
}

TEST_F(DeliveriesTest, DisablingAWebhookStopsFanOutOnly) {
  Ring(workspace_.id);
  Ok(store_->Update<Webhook>(kSystem, webhook_.id, [](Webhook& h) {
    h.enabled = false;
    return base::Status();
  }));
  EXPECT_EQ(TheDelivery().status, DeliveryStatus::kPending);
  EXPECT_EQ(Ring(workspace_.id).deliveries, 0);
}

TEST_F(DeliveriesTest, DeletingFailsWhatWaitsAndKeepsTheLog) {
  MakeWebhook(endpoint_, "other");
  Ring(workspace_.id);
  std::map<base::WebhookId, Delivery> by_webhook;
  for (const Delivery& d : Deliveries()) by_webhook[d.webhook] = d;
  Ok(store_->Delete<Webhook>(kSystem, webhook_.id));
  ExpectFailed(by_webhook[webhook_.id], Why::kDeleted);
  EXPECT_TRUE(seen_.Lock()->dropped.empty()) << "the endpoint's other deliveries still wait";
  by_webhook.erase(webhook_.id);
  const Delivery other = by_webhook.begin()->second;
  EXPECT_EQ(Get(other).status, DeliveryStatus::kPending);

  Ok(store_->Delete<Environment>(kSystem, environment_.id));
  ExpectFailed(other, Why::kDeleted);
  EXPECT_EQ(seen_.Lock()->dropped, std::vector{endpoint_.id});
  EXPECT_EQ(Ok(store_->Detail(kSystem, other.id)).delivery.environment, environment_.id);
  EXPECT_TRUE(Ok(store_->Targets({endpoint_.id})).empty());
  Ok(Record({Arrived(other)}));
  EXPECT_EQ(Get(other).status, DeliveryStatus::kCompleted) << "it was under way and arrived";
  CheckTotals();
}

TEST_F(DeliveriesTest, DeletingAWorkspaceLeavesTheOthersAlone) {
  const Workspace other = MakeWorkspace(environment_, "other");
  Ring(workspace_.id);
  const Delivery gone = TheDelivery();
  Ring(other.id);
  Ok(store_->Delete<Workspace>(kSystem, workspace_.id));
  ExpectFailed(gone, Why::kDeleted);
  EXPECT_EQ(Ok(store_->CountAll()).waiting, 1);
  CheckTotals();
}

TEST_F(DeliveriesTest, AResendIsANewDeliveryOfTheSameBodyToWhereTheWebhookPointsNow) {
  Ring(workspace_.id);
  const Delivery first = TheDelivery();
  Ok(Record({GivenUp(first)}));
  const Endpoint elsewhere = MakeEndpoint({environment_.id, {}}, "elsewhere");
  Ok(store_->Update<Webhook>(kSystem, webhook_.id, [&](Webhook& h) {
    h.endpoint = elsewhere.id;
    h.name = "renamed";
    return base::Status();
  }));
  const auto who = With({{base::Scope::kWrite, {environment_.id, {}}}});
  const Delivery again = Ok(store_->Resend(who, first.id));
  EXPECT_NE(again.id, first.id);
  EXPECT_EQ(again.resend_of, first.id);
  EXPECT_EQ(again.triggered_by, who.token);
  EXPECT_EQ(again.endpoint, elsewhere.id);
  EXPECT_EQ(again.event, first.event);
  EXPECT_EQ(Ok(store_->Detail(kSystem, again.id)).body, Ok(store_->Detail(kSystem, first.id)).body);
  EXPECT_EQ(Ok(store_->Load({again.id})).size(), 1u);
  EXPECT_EQ(Ok(store_->Resend(who, again.id)).resend_of, first.id) << "it names the first";
  EXPECT_EQ(Ok(store_->EventsOf(kSystem, first.run)).at(0).considered.size(), 1u);
  CheckTotals();

  ExpectCode(store_->Resend(With({{base::Scope::kRead, {}}}), first.id), Code::kDenied);
  ExpectCode(store_->Resend(With({{base::Scope::kAdmin, {{5}, {}}}}), first.id), Code::kNotFound);
  Ok(store_->Update<Endpoint>(kSystem, elsewhere.id, [](Endpoint& e) {
    e.state = EndpointState::kDisabled;
    return base::Status();
  }));
  ExpectCode(store_->Resend(who, first.id), Code::kConflict);
  Ok(store_->Delete<Webhook>(kSystem, webhook_.id));
  ExpectCode(store_->Resend(who, first.id), Code::kConflict);
}

TEST_F(DeliveriesTest, StatisticsCountByTheHourOfTheTrigger) {
  Ring(workspace_.id);
  Ok(Record({Arrived(TheDelivery())}));
  clock_.Advance(hours(3));
  const Transitioned second = Ring(workspace_.id);
  Query of_run;
  of_run.filters = {{"run", {Format(second.run.id)}, false}};
  Ok(Record({GivenUp(Deliveries(of_run).at(0))}));
  Ring(workspace_.id);
  auto statistics = Ok(store_->Statistics(kSystem, {webhook_.id})).at(0);
  EXPECT_EQ(statistics.last_hour.total, 2);
  EXPECT_EQ(statistics.last_hour.failed, 1);
  EXPECT_EQ(statistics.last_hour.delivered, 0);
  EXPECT_EQ(statistics.last_day.total, 3);
  EXPECT_EQ(statistics.last_day.delivered, 1);
  clock_.Advance(hours(48));
  statistics = Ok(store_->Statistics(kSystem, {webhook_.id})).at(0);
  EXPECT_EQ(statistics.last_day.total, 0);
  EXPECT_EQ(statistics.last_week.total, 3);
}

TEST_F(DeliveriesTest, TheLogIsFilteredAndSorted) {
  Ring(workspace_.id);
  clock_.Advance(hours(1));
  const Workspace other = MakeWorkspace(environment_, "other");
  const Transitioned second = Ring(other.id);
  auto deliveries = Deliveries();
  ASSERT_EQ(deliveries.size(), 2u);
  EXPECT_EQ(deliveries[0].workspace, other.id) << "newest first";
  Ok(Record({GivenUp(deliveries[1])}));
  const auto total = [&](const std::string& name, std::vector<std::string> values, bool between = false) {
    Query query;
    query.filters = {{name, std::move(values), between}};
    return Ok(store_->List<Delivery>(kSystem, query)).total;
  };
  EXPECT_EQ(total("status", {"failed"}), 1);
  EXPECT_EQ(total("response-code", {"500"}), 1);
  EXPECT_EQ(total("reason", {"init_failed"}), 2);
  EXPECT_EQ(total("decision", {"attempts_exhausted"}), 1);
  Query misspelt;
  misspelt.filters = {{"response-code", {"x"}, false}};
  ExpectCode(store_->List<Delivery>(kSystem, misspelt), Code::kInvalid);
  EXPECT_EQ(total("webhook-integration", {Format(webhook_.id)}), 2);
  EXPECT_EQ(total("environment", {Format(environment_.id)}), 2);
  EXPECT_EQ(total("workspace", {Format(other.id)}), 1);
  EXPECT_EQ(total("run", {Format(second.run.id)}), 1);
  EXPECT_EQ(total("event", {"run:errored"}), 2);
  EXPECT_EQ(total("event", {"run:completed"}), 0);
  EXPECT_EQ(total("triggered-at", {"2026-01-01T00:30:00Z", "2026-01-01T01:00:00Z"}, true), 1);
  EXPECT_EQ(total("triggered-at", {"2026-01-01T00:00:00Z", "2026-01-01T00:59:59Z"}, true), 1);
  Query query;
  query.sort = {{"triggered-at", false}};
  EXPECT_EQ(Deliveries(query).at(0).workspace, workspace_.id);
  query.sort = {{"no such", false}};
  ExpectCode(store_->List<Delivery>(kSystem, query), Code::kInvalid);
}

TEST_F(DeliveriesTest, RetentionTakesBodiesAndAttemptsOfWhatIsFinished) {
  Ring(workspace_.id);
  const Delivery done = TheDelivery();
  Ok(Record({Retried(done)}));
  Ok(Record({Arrived(Get(done))}));
  Ring(workspace_.id);
  const Delivery waits = Deliveries().at(0);
  Ok(Record({Retried(waits)}));
  while (Ok(store_->Purge())) {
  }
  EXPECT_FALSE(Ok(store_->Detail(kSystem, done.id)).purged);

  clock_.Advance(options_.keep_bodies + seconds(1));
  while (Ok(store_->Purge())) {
  }
  const DeliveryDetail purged = Ok(store_->Detail(kSystem, done.id));
  EXPECT_TRUE(purged.purged);
  EXPECT_EQ(purged.body, "");
  EXPECT_FALSE(purged.last_attempt);
  EXPECT_EQ(purged.delivery.status, DeliveryStatus::kCompleted) << "the log itself stays";
  EXPECT_TRUE(Ok(store_->Attempts(kSystem, done.id)).empty());
  ExpectCode(store_->Resend(kSystem, done.id), Code::kGone);
  EXPECT_EQ(Ok(store_->Load({waits.id})).size(), 1u) << "a waiting one keeps its body";

  Ok(Record({Arrived(Get(waits))}));
  while (Ok(store_->Purge())) {
  }
  EXPECT_FALSE(Ok(store_->Detail(kSystem, waits.id)).purged) << "it was tried just now";
  clock_.Advance(options_.keep_bodies + seconds(1));
  while (Ok(store_->Purge())) {
  }
  EXPECT_TRUE(Ok(store_->Detail(kSystem, waits.id)).purged);
  CheckTotals();
}

TEST_F(DeliveriesTest, RetentionShortensTheFeedButNeverReusesItsNumbers) {
  Ring(workspace_.id);
  const int64_t last = store_->last_change();
  clock_.Advance(options_.keep_changes + seconds(1));
  while (Ok(store_->Purge())) {
  }
  EXPECT_EQ(Ok(store_->Changes(kSystem, {})).size(), 1u);
  Reopen();
  EXPECT_EQ(store_->last_change(), last);
  MakeEnvironment("next");
  EXPECT_EQ(store_->last_change(), last + 1);
}

// More of them than are listed at once, so that both what is listed and what is not yet is found.
TEST_F(DeliveriesTest, EveryDeliveryOfAWebhookAWorkspaceOrAnEnvironmentIsFound) {
  constexpr int kWebhooks = 5, kRings = 230;
  const Workspace other = MakeWorkspace(environment_, "compute");
  const Workspace far = MakeWorkspace(MakeEnvironment("test"), "far");
  for (int n = 1; n < kWebhooks; ++n) MakeWebhook(endpoint_, "hook " + std::to_string(n));
  for (int n = 0; n < kRings; ++n) Ring(n % 2 == 0 ? workspace_.id : other.id);
  const auto expect = [&](const std::string& filter, const std::string& id, int64_t total) {
    Query query;
    query.filters = {{filter, {id}}};
    query.size = 100;
    int64_t found = 0;
    base::DeliveryId newest_left;
    for (query.page = 1;; ++query.page) {
      const auto page = Ok(store_->List<Delivery>(kSystem, query));
      EXPECT_EQ(page.total, total) << filter;
      if (page.items.empty()) break;
      for (const Delivery& delivery : page.items) {
        EXPECT_TRUE(!newest_left || delivery.id < newest_left);
        newest_left = delivery.id;
        EXPECT_TRUE(filter != "workspace" || Format(delivery.workspace) == id);
        EXPECT_TRUE(filter != "webhook" || Format(delivery.webhook) == id);
        ++found;
      }
    }
    EXPECT_EQ(found, total) << filter;
  };
  for (int round = 0; round < 2; ++round) {
    expect("webhook", Format(webhook_.id), kRings);
    expect("workspace", Format(other.id), kRings / 2 * kWebhooks);
    expect("workspace", Format(far.id), 0);
    expect("environment", Format(environment_.id), kRings * kWebhooks);
    Reopen();
  }
}

}  // namespace
}  // namespace store
