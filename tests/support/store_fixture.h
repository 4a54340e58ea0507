// What the store's tests share: a store in a directory of its own, under a clock that stands still. In the store's
// namespace, because it belongs to src/store/ and stands here only as src/ knows no tests.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/guarded.h"
#include "base/random.h"
#include "store/sqlite.h"
#include "store/store.h"
#include "support/manual_clock.h"

namespace store {

class TempDirectory {
 public:
  TempDirectory() {
    // In memory where that is possible: nothing here tests the disk itself, and hundreds of tests sync a lot.
    const std::string root = std::filesystem::exists("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path();
    std::string name = root + "/runbell-store-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~TempDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline const base::Principal kSystem = base::Principal::System();

inline base::Principal With(std::vector<base::Grant> grants) {
  return {base::TokenId{77}, "somebody", std::move(grants)};
}

class StoreTest : public testing::Test {
 protected:
  StoreTest() { Open(); }

  void Open() {
    if (options_.directory.empty()) options_.directory = directory_.path() + "/data";
    auto opened = Store::Open(options_, clock_, *random_);
    ASSERT_TRUE(opened) << opened.error().Text();
    store_ = std::move(*opened);
    store_->SetExternalUrl("http://runbell.test");
    store_->Listen([this](const Committed& committed) {
      auto seen = seen_.Lock();
      seen->waiting.insert(seen->waiting.end(), committed.waiting.begin(), committed.waiting.end());
      seen->endpoints.insert(seen->endpoints.end(), committed.endpoints.begin(), committed.endpoints.end());
      seen->dropped.insert(seen->dropped.end(), committed.dropped.begin(), committed.dropped.end());
    });
  }
  void Reopen() {
    store_.reset();
    Open();
  }

  template <class T>
  static T Ok(base::Result<T> result) {
    if (!result) ADD_FAILURE() << result.error().Text();
    return result ? std::move(*result) : T();
  }
  static void Ok(const base::Status& status) {
    if (!status) ADD_FAILURE() << status.error().Text();
  }

  // ---- things, made by the program itself ----

  Environment MakeEnvironment(std::string name) {
    Environment e;
    e.name = std::move(name);
    return Ok(store_->Create(kSystem, std::move(e)));
  }
  Workspace MakeWorkspace(const Environment& environment, std::string name) {
    Workspace w;
    w.environment = environment.id;
    w.name = std::move(name);
    return Ok(store_->Create(kSystem, std::move(w)));
  }
  Endpoint MakeEndpoint(base::Place place, std::string name) {
    Endpoint p;
    p.place = place;
    p.name = std::move(name);
    p.url = "http://127.0.0.1:1/hook";
    return Ok(store_->Create(kSystem, std::move(p)));
  }
  Webhook MakeWebhook(const Endpoint& endpoint, std::string name, std::vector<run::EventKind> events = AllEvents()) {
    return Ok(store_->Create(kSystem, WebhookOn(endpoint, std::move(name), std::move(events))));
  }
  // At the endpoint's own place.
  static Webhook WebhookOn(const Endpoint& endpoint, std::string name,
                           std::vector<run::EventKind> events = AllEvents()) {
    Webhook h;
    h.name = std::move(name);
    h.endpoint = endpoint.id;
    h.events = std::move(events);
    if (endpoint.place.workspace) {
      h.reach = Reach::kWorkspace;
      h.workspace = endpoint.place.workspace;
    } else if (endpoint.place.environment) {
      h.environments = {endpoint.place.environment};
    } else {
      h.reach = Reach::kShared;
    }
    return h;
  }
  static std::vector<run::EventKind> AllEvents() { return {run::kAllEvents.begin(), run::kAllEvents.end()}; }

  store::Run MakeRun(base::WorkspaceId workspace, std::string message = "Updated instance\n") {
    store::Run r;
    r.workspace = workspace;
    r.message = std::move(message);
    return Ok(store_->Create(kSystem, std::move(r)));
  }

  // ---- moving runs ----

  base::Result<Transitioned> Move(TransitionRequest request, const base::Principal& who = kSystem) {
    std::promise<base::Result<Transitioned>> answer;
    store_->Transition(who, std::move(request),
                       [&](base::Result<Transitioned> result) { answer.set_value(std::move(result)); });
    return answer.get_future().get();
  }
  static TransitionRequest Report(base::RunId run, run::Status to, std::string key = {}) {
    TransitionRequest request;
    request.run = run;
    request.move.to = to;
    request.key = std::move(key);
    return request;
  }
  static TransitionRequest Act(base::RunId run, run::Action action) {
    TransitionRequest request;
    request.run = run;
    request.move.action = action;
    return request;
  }
  // An event: a run that fails at once rings run:errored.
  Transitioned Ring(base::WorkspaceId workspace) {
    return Ok(Move(Report(MakeRun(workspace).id, run::Status::kErrored)));
  }

  // As if the disk had done it, behind the store's back.
  void Damage(const std::string& sql) {
    store_.reset();
    {
      auto db = Db::Open(options_.directory + "/runbell.db", "", Db::Mode::kWrite, 100);
      ASSERT_TRUE(db);
      (*db)->Run(sql);
      ASSERT_TRUE((*db)->ok());
    }
    Open();
  }

  // ---- deliveries ----

  std::vector<Delivery> Deliveries(Query query = {}) {
    query.size = 1000;
    return Ok(store_->List<Delivery>(kSystem, query)).items;
  }
  Delivery TheDelivery() {
    auto all = Deliveries();
    EXPECT_EQ(all.size(), 1u);
    return all.empty() ? Delivery() : all.front();
  }
  AttemptRecord Attempted(const Delivery& delivery, hook::Verb verb, hook::Why why, hook::Outcome outcome) {
    AttemptRecord record;
    record.id = delivery.id;
    record.endpoint = delivery.endpoint;
    record.attempt.started_at = clock_.Now();
    record.attempt.outcome = outcome;
    record.attempt.decision.verb = verb;
    record.attempt.decision.why = why;
    record.attempt.decision.attempts_used = delivery.attempts + (outcome == hook::Outcome::kOwnFault ? 0 : 1);
    return record;
  }
  AttemptRecord Arrived(const Delivery& delivery) {
    auto record = Attempted(delivery, hook::Verb::kDelivered, hook::Why::kSucceeded, hook::Outcome::kDelivered);
    record.attempt.response_code = 200;
    return record;
  }
  AttemptRecord Retried(const Delivery& delivery, base::Micros in = std::chrono::seconds(5)) {
    auto record = Attempted(delivery, hook::Verb::kRetry, hook::Why::kScheduled, hook::Outcome::kServerError);
    record.attempt.response_code = 500;
    record.attempt.decision.retry_at = clock_.Now() + in;
    return record;
  }
  AttemptRecord GivenUp(const Delivery& delivery) {
    auto record = Attempted(delivery, hook::Verb::kGiveUp, hook::Why::kAttemptsExhausted, hook::Outcome::kServerError);
    record.attempt.response_code = 500;
    return record;
  }
  base::Result<int> Record(std::vector<AttemptRecord> records) {
    std::promise<base::Result<int>> answer;
    store_->Record(std::move(records), [&](base::Result<int> lost) { answer.set_value(std::move(lost)); });
    return answer.get_future().get();
  }
  base::Result<Swept> Sweep() {
    std::promise<base::Result<Swept>> answer;
    store_->SweepRuns([&](base::Result<Swept> swept) { answer.set_value(std::move(swept)); });
    return answer.get_future().get();
  }

  // accepted = delivered + waiting + failed, and both what the totals say and what the rows say.
  void CheckTotals() {
    const Totals t = Ok(store_->CountAll());
    int64_t waiting = 0, delivered = 0, failed = 0;
    for (const Delivery& d : Deliveries()) {
      waiting += d.status == DeliveryStatus::kPending;
      delivered += d.status == DeliveryStatus::kCompleted;
      failed += d.status == DeliveryStatus::kFailed;
      EXPECT_EQ(d.status == DeliveryStatus::kPending, d.next_attempt_at.has_value());
    }
    EXPECT_EQ(t.accepted, t.delivered + t.waiting + t.failed);
    EXPECT_EQ(t.waiting, waiting);
    EXPECT_EQ(t.delivered, delivered);
    EXPECT_EQ(t.failed, failed);
  }

  TempDirectory directory_;
  testing_support::ManualClock clock_;
  std::unique_ptr<base::Random> random_ = base::MakeSeededRandom(1);
  Options options_;
  std::unique_ptr<Store> store_;
  base::Guarded<Committed> seen_;  // of all commits together
};

}  // namespace store
