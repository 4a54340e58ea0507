#include <map>

#include "support/store_fixture.h"

namespace store {
namespace {

using base::Code;
using base::Scope;
using run::Action;
using run::EventKind;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class RunsTest : public StoreTest {
 protected:
  RunsTest() {
    environment_ = MakeEnvironment("prod");
    workspace_ = MakeWorkspace(environment_, "network");
  }
  void ExpectConflict(const base::Result<Transitioned>& result, const std::string& says) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::kConflict);
    EXPECT_NE(result.error().message.find(says), std::string::npos) << result.error().message;
  }
  void Go(base::RunId run, std::initializer_list<run::Status> way) {
    for (run::Status to : way) Ok(Move(Report(run, to)));
  }
  base::json::value BodyOf(const Delivery& delivery) {
    return Ok(base::ParseJson(Ok(store_->Detail(kSystem, delivery.id)).body));
  }
  Environment environment_;
  Workspace workspace_;
};

TEST_F(RunsTest, ARunKeepsWhatItsReporterTells) {
  store::Run r;
  r.workspace = workspace_.id;
  r.message = "m";
  r.source = "cli";
  r.facts.is_destroy = true;
  r.variables = {{{"key", "region"}, {"value", "eu"}, {"sensitive", false}},
                 {{"key", "password"}, {"value", "hunter2"}, {"sensitive", true}}};
  r.extra["refresh"] = true;
  r = Ok(store_->Create(With({{Scope::kReport, {}}}), r));
  EXPECT_EQ(r.created_by_name, "somebody");
  clock_.Advance(seconds(1));
  Go(r.id, {run::Status::kPlanning});
  clock_.Advance(seconds(1));
  TransitionRequest planned = Report(r.id, run::Status::kPlanned);
  planned.move.has_changes = true;
  planned.plan = run::Counts{1, 2, 3, 4};
  planned.changes.emplace();
  for (int i = 0; i < 250; ++i) planned.changes->push_back({"a.b[" + std::to_string(i) + "]", "delete"});
  const Transitioned moved = Ok(Move(planned));
  EXPECT_TRUE(moved.changed);
  Reopen();

  const store::Run kept = Ok(store_->Get<store::Run>(kSystem, r.id));
  EXPECT_EQ(kept.facts.status, run::Status::kPlanned);
  EXPECT_EQ(kept.facts.reason, run::Reason::kApproval);
  EXPECT_EQ(kept.facts.has_changes, true);
  EXPECT_EQ(kept.plan, planned.plan);
  EXPECT_EQ(kept.changes.size(), 200u);
  EXPECT_EQ(kept.changes_left_out, 50);
  EXPECT_EQ(kept.changes[7].address, "a.b[7]");
  EXPECT_EQ(kept.extra, r.extra);
  EXPECT_TRUE(kept.variables[1].at("value").is_null()) << "sensitive values are never kept";
  ASSERT_EQ(kept.reached.size(), 3u);
  EXPECT_EQ(kept.reached[1].first, run::Status::kPlanning);
  EXPECT_EQ(kept.reached[1].second, kept.created_at + seconds(1));
  EXPECT_EQ(kept.updated_at, kept.created_at + seconds(2));
  EXPECT_EQ(Ok(store_->Get<Workspace>(kSystem, workspace_.id)).current_run, r.id);
}

TEST_F(RunsTest, TheBodySaysHowItWasWhenTheEventWasAccepted) {
  MakeWebhook(MakeEndpoint({environment_.id, {}}, "p"), "Data \"Platform\"");
  store::Run r;
  r.workspace = workspace_.id;
  r.message = "Updated instance\n";
  r.variables = {{{"key", "foo"}, {"value", "bar"}}, {{"key", "pw"}, {"value", "x"}, {"sensitive", true}}};
  r = Ok(store_->Create(kSystem, r));
  Go(r.id, {run::Status::kPlanning});
  TransitionRequest planned = Report(r.id, run::Status::kPlanned);
  planned.move.has_changes = true;
  planned.plan = run::Counts{1, 0, 0, 0};
  Ok(Move(planned));
  const Delivery delivery = TheDelivery();
  Ok(Move(Act(r.id, Action::kApply)));
  Ok(store_->Update<Workspace>(kSystem, workspace_.id, [](Workspace& w) {
    w.name = "renamed";
    return base::Status();
  }));
  const auto body = BodyOf(delivery);
  EXPECT_EQ(base::StringAt(body, {"event_name"}), "run:needs_attention");
  EXPECT_EQ(base::StringAt(body, {"run", "status"}), "planned");
  EXPECT_EQ(base::StringAt(body, {"run", "message"}), "Updated instance\n");
  EXPECT_EQ(base::StringAt(body, {"workspace", "name"}), "network");
  EXPECT_EQ(base::StringAt(body, {"workspace", "url"}), "http://runbell.test/workspaces/" + Format(workspace_.id));
  EXPECT_EQ(base::StringAt(body, {"webhook", "name"}), "Data \"Platform\"");
  EXPECT_EQ(base::StringAt(body, {"variables", "foo"}), "bar");
  EXPECT_EQ(base::At(body, {"variables", "pw"}), nullptr);
  EXPECT_EQ(base::IntAt(body, {"plan", "add"}), 1);
  EXPECT_EQ(base::StringAt(body, {"reason"}), "approval");
  EXPECT_EQ(base::StringAt(body, {"event_id"}), Format(delivery.event));
}

TEST_F(RunsTest, EachEndpointGetsTheFormItWants) {
  Endpoint p = MakeEndpoint({environment_.id, {}}, "p");
  MakeWebhook(p, "u");
  Endpoint q = MakeEndpoint({environment_.id, {}}, "q");
  Ok(store_->Update<Endpoint>(kSystem, q.id, [](Endpoint& e) {
    e.form = hook::PayloadForm::kHyphen;
    return base::Status();
  }));
  MakeWebhook(q, "h");
  Ring(workspace_.id);
  for (const Delivery& d : Deliveries()) {
    const auto body = BodyOf(d);
    EXPECT_NE(base::At(body, {d.endpoint == q.id ? "event-name" : "event_name"}), nullptr);
    EXPECT_EQ(base::StringAt(body, {"webhook", "name"}), d.endpoint == q.id ? "h" : "u");
  }
  EXPECT_EQ(Deliveries().size(), 2u);
}

TEST_F(RunsTest, AKeySeenBeforeGivesTheFirstAnswerAgain) {
  MakeWebhook(MakeEndpoint({environment_.id, {}}, "p"), "h");
  const store::Run r = MakeRun(workspace_.id);
  Go(r.id, {run::Status::kPlanning});
  TransitionRequest errored = Report(r.id, run::Status::kErrored, "key-1");
  errored.error_summary = "Error: x";
  const Transitioned first = Ok(Move(errored));
  EXPECT_FALSE(first.repeated);
  Reopen();
  const Transitioned again = Ok(Move(errored));
  EXPECT_TRUE(again.repeated);
  EXPECT_FALSE(again.changed);
  EXPECT_EQ(again.event, first.event);
  EXPECT_EQ(again.deliveries, 1);
  EXPECT_EQ(again.run.error_summary, "Error: x");
  EXPECT_EQ(Deliveries().size(), 1u);
  ExpectConflict(Move(Report(r.id, run::Status::kCanceled, "key-1")), "the key was used for a report of errored");
  ExpectConflict(Move(Report(r.id, run::Status::kPlanned, "key-2")), "errored");
  ExpectConflict(Move(Report(MakeRun(workspace_.id).id, run::Status::kApplied, "key-1")), "pending");
}

TEST_F(RunsTest, WorkspacesMadeLaterInherit) {
  MakeWebhook(MakeEndpoint({environment_.id, {}}, "p"), "inherited");
  const Transitioned before = Ring(workspace_.id);
  const Workspace later = MakeWorkspace(environment_, "later");
  const Workspace elsewhere = MakeWorkspace(MakeEnvironment("other"), "network");
  EXPECT_EQ(before.deliveries, 1);
  EXPECT_EQ(Ring(later.id).deliveries, 1);
  EXPECT_EQ(Ring(elsewhere.id).deliveries, 0);
  MakeWebhook(MakeEndpoint({environment_.id, later.id}, "p"), "own");
  EXPECT_EQ(Ring(later.id).deliveries, 2);
  EXPECT_EQ(Ring(workspace_.id).deliveries, 1);
}

TEST_F(RunsTest, EveryWebhookConsideredIsNamedWithWhyItDidNotFire) {
  const Endpoint p = MakeEndpoint({environment_.id, {}}, "p"), gone = MakeEndpoint({environment_.id, {}}, "gone");
  const Webhook fires = MakeWebhook(p, "fires");
  const Webhook other = MakeWebhook(p, "other", {EventKind::kCompleted});
  const Webhook off = MakeWebhook(p, "off");
  const Webhook disabled = MakeWebhook(gone, "disabled");
  MakeWebhook(MakeEndpoint({environment_.id, MakeWorkspace(environment_, "x").id}, "p"), "not considered");
  Ok(store_->Update<Webhook>(kSystem, off.id, [](Webhook& h) {
    h.enabled = false;
    return base::Status();
  }));
  Ok(store_->Update<Endpoint>(kSystem, gone.id, [](Endpoint& e) {
    e.state = EndpointState::kDisabled;
    return base::Status();
  }));
  const Transitioned rung = Ring(workspace_.id);
  EXPECT_EQ(rung.deliveries, 1);
  const auto events = Ok(store_->EventsOf(kSystem, rung.run.id));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, EventKind::kErrored);
  EXPECT_EQ(events[0].reason, run::Reason::kInitFailed);
  std::map<std::string, NotFired> seen;
  for (const Considered& one : events[0].considered) {
    seen[one.webhook_name] = one.not_fired;
    EXPECT_EQ(static_cast<bool>(one.delivery), one.webhook == fires.id);
  }
  EXPECT_EQ(seen, (std::map<std::string, NotFired>{{"fires", NotFired::kNone},
                                                   {"other", NotFired::kEventNotSelected},
                                                   {"off", NotFired::kWebhookDisabled},
                                                   {"disabled", NotFired::kEndpointDisabled}}));
}

TEST_F(RunsTest, SequenceHasNoGapsInAWorkspace) {
  const Workspace other = MakeWorkspace(environment_, "other");
  MakeWebhook(MakeEndpoint({environment_.id, {}}, "p"), "h", {EventKind::kErrored});
  std::map<base::WorkspaceId, int64_t> last;
  for (int i = 0; i < 12; ++i) {
    const base::WorkspaceId at = i % 3 == 0 ? other.id : workspace_.id;
    if (i % 4 == 1) MakeEndpoint({}, "makes the caches void " + std::to_string(i));
    if (i == 6) Reopen();
    (void)Move(Report({42}, run::Status::kPlanned));  // fails
    const Transitioned rung = Ring(at);
    EXPECT_EQ(Ok(store_->EventsOf(kSystem, rung.run.id)).at(0).sequence, ++last[at]);
  }
}

TEST_F(RunsTest, OneRunAtATimeInTheOrderOfCreation) {
  const store::Run a = MakeRun(workspace_.id), b = MakeRun(workspace_.id);
  EXPECT_EQ(a.position_in_queue, 0);
  EXPECT_EQ(b.position_in_queue, 1);
  ExpectConflict(Move(Report(b.id, run::Status::kPlanning)), Format(a.id));
  Go(a.id, {run::Status::kPlanning});
  ExpectConflict(Move(Report(b.id, run::Status::kPlanning)), "is planning");
  store::Run dry;
  dry.workspace = workspace_.id;
  dry.facts.is_dry = true;
  dry = Ok(store_->Create(kSystem, dry));
  EXPECT_FALSE(dry.position_in_queue);
  Go(dry.id, {run::Status::kPlanning});
  const store::Run elsewhere = MakeRun(MakeWorkspace(environment_, "other").id);
  Go(elsewhere.id, {run::Status::kPlanning});
  Go(a.id, {run::Status::kErrored});
  EXPECT_EQ(Ok(store_->Get<store::Run>(kSystem, b.id)).position_in_queue, 0);
  Go(b.id, {run::Status::kPlanning});
}

TEST_F(RunsTest, APendingRunCanEndOutOfTurn) {
  const store::Run a = MakeRun(workspace_.id), b = MakeRun(workspace_.id);
  Go(a.id, {run::Status::kPlanning});
  EXPECT_EQ(Ok(Move(Act(b.id, Action::kDiscard))).run.facts.status, run::Status::kDiscarded);
}

TEST_F(RunsTest, ARunWithoutAnExecutorHoldsNoPlaceUntilSomebodyReportsIt) {
  store::Run idle;
  idle.workspace = workspace_.id;
  idle.facts.driver = run::Driver::kNone;
  idle = Ok(store_->Create(kSystem, idle));
  const store::Run next = MakeRun(workspace_.id);
  EXPECT_EQ(next.position_in_queue, 0);
  Go(next.id, {run::Status::kPlanning});
  ExpectConflict(Move(Report(idle.id, run::Status::kPlanning)), Format(next.id));
  Go(next.id, {run::Status::kErrored});
  const Transitioned moved = Ok(Move(Report(idle.id, run::Status::kPlanning)));
  EXPECT_EQ(moved.run.facts.driver, run::Driver::kReporter);
  EXPECT_EQ(Ok(store_->Get<store::Run>(kSystem, idle.id)).facts.driver, run::Driver::kReporter);
}

TEST_F(RunsTest, ScopesDecideWhoMayMoveARun) {
  const base::Place here{environment_.id, workspace_.id};
  const store::Run r = MakeRun(workspace_.id);
  const auto reporter = With({{Scope::kReport, here}}), approver = With({{Scope::kApprove, here}});
  const auto stranger = With({{Scope::kAdmin, {environment_.id, {999}}}});
  const auto code = [&](TransitionRequest request, const base::Principal& who) {
    auto moved = Move(std::move(request), who);
    return moved ? "ok" : std::string(Name(moved.error().code));
  };
  EXPECT_EQ(code(Report(r.id, run::Status::kPlanning), stranger), Name(Code::kNotFound));
  EXPECT_EQ(code(Report(r.id, run::Status::kPlanning), approver), Name(Code::kDenied));
  EXPECT_EQ(code(Report(r.id, run::Status::kPlanning), reporter), "ok");
  TransitionRequest planned = Report(r.id, run::Status::kPlanned);
  planned.move.has_changes = true;
  EXPECT_EQ(code(planned, reporter), "ok");
  EXPECT_EQ(code(Act(r.id, Action::kApply), reporter), Name(Code::kDenied)) << "a job cannot approve itself";
  EXPECT_EQ(code(Report(r.id, run::Status::kConfirmed), reporter), Name(Code::kConflict));
  EXPECT_EQ(code(Act(r.id, Action::kLose), With({{Scope::kAdmin, {}}})), Name(Code::kDenied));
  EXPECT_EQ(code(Act(r.id, Action::kApply), approver), "ok");
  EXPECT_EQ(code(Report(r.id, run::Status::kApplying), reporter), "ok");
  EXPECT_EQ(code(Act(r.id, Action::kCancel), reporter), Name(Code::kDenied));
  EXPECT_EQ(code(Act(r.id, Action::kCancel), With({{Scope::kWrite, here}})), "ok");
  EXPECT_TRUE(Ok(store_->Get<store::Run>(kSystem, r.id)).cancel_requested);
  EXPECT_EQ(code(Report(r.id, run::Status::kCanceled), reporter), "ok");
  EXPECT_FALSE(Ok(store_->Get<store::Run>(kSystem, r.id)).cancel_requested);
}

TEST_F(RunsTest, SilenceLosesARunAndAReportFindsItAgain) {
  MakeWebhook(MakeEndpoint({environment_.id, {}}, "p"), "h");
  const store::Run r = MakeRun(workspace_.id);
  Go(r.id, {run::Status::kPlanning});
  for (int i = 0; i < 10; ++i) {
    clock_.Advance(minutes(10));
    Go(r.id, {run::Status::kPlanning});  // a heartbeat
    EXPECT_EQ(Ok(Sweep()).moved, 0);
  }
  clock_.Advance(minutes(15));
  EXPECT_EQ(Ok(Sweep()).moved, 1);
  EXPECT_EQ(Ok(Sweep()).moved, 0);
  store::Run lost = Ok(store_->Get<store::Run>(kSystem, r.id));
  EXPECT_EQ(lost.facts.reason, run::Reason::kLost);
  EXPECT_EQ(TheDelivery().reason, run::Reason::kLost);
  Go(r.id, {run::Status::kPlanning});
  EXPECT_EQ(Ok(store_->Get<store::Run>(kSystem, r.id)).facts.status, run::Status::kPlanning);
}

TEST_F(RunsTest, SilenceCountsOnlyWhileThereIsSomebodyToHear) {
  const store::Run r = MakeRun(workspace_.id);
  Go(r.id, {run::Status::kPlanning});
  store_.reset();
  clock_.Advance(hours(2));
  Open();
  EXPECT_EQ(Ok(Sweep()).moved, 0) << "its reporter could not say that it lives";
  clock_.Advance(minutes(15) - seconds(1));
  EXPECT_EQ(Ok(Sweep()).moved, 0);
  clock_.Advance(seconds(1));
  EXPECT_EQ(Ok(Sweep()).moved, 1);
}

TEST_F(RunsTest, ADamagedRunFailsOnlyWhatIsDoneToIt) {
  const store::Run damaged = MakeRun(workspace_.id), sound = MakeRun(MakeWorkspace(environment_, "other").id);
  Go(damaged.id, {run::Status::kPlanning});
  Go(sound.id, {run::Status::kPlanning});
  Damage("UPDATE runs SET variables = '[1,' WHERE id = " + std::to_string(damaged.id.value));
  auto moved = Move(Report(damaged.id, run::Status::kErrored));
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, Code::kCorrupt) << moved.error().Text();
  EXPECT_TRUE(store_->Health());
  clock_.Advance(minutes(15));
  const Swept swept = Ok(Sweep());
  EXPECT_EQ(swept.moved, 1);
  ASSERT_EQ(swept.skipped.size(), 1u);
  EXPECT_NE(swept.skipped[0].Text().find(Format(damaged.id)), std::string::npos) << swept.skipped[0].Text();
  EXPECT_EQ(Ok(store_->Get<store::Run>(kSystem, sound.id)).facts.reason, run::Reason::kLost);
  Ring(MakeWorkspace(environment_, "third").id);
}

TEST_F(RunsTest, AKeyMakesOneRunOfManyRequests) {
  const auto make = [&](const std::string& key, base::WorkspaceId workspace, base::Principal who) {
    store::Run r;
    r.workspace = workspace;
    r.key = key;
    return Ok(store_->Create(who, r));
  };
  const base::Principal reporter = With({{Scope::kReport, {}}});
  base::Principal other = reporter;
  other.token = base::TokenId{78};
  const base::WorkspaceId elsewhere = MakeWorkspace(environment_, "other").id;
  const store::Run first = make("a", workspace_.id, reporter);
  EXPECT_FALSE(first.repeated);
  Go(first.id, {run::Status::kPlanning});
  const int64_t last_change = store_->last_change();
  Reopen();
  const store::Run again = make("a", workspace_.id, reporter);
  EXPECT_TRUE(again.repeated);
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(again.facts.status, run::Status::kPlanning) << "as it is now";
  EXPECT_EQ(store_->last_change(), last_change);
  for (const store::Run& another :
       {make("b", workspace_.id, reporter), make("a", elsewhere, reporter), make("a", workspace_.id, other),
        make("", workspace_.id, reporter), make("", workspace_.id, reporter)}) {
    EXPECT_FALSE(another.repeated);
  }
  EXPECT_EQ(Ok(store_->List<store::Run>(kSystem, {})).total, 6);
  store::Run too_long;
  too_long.workspace = workspace_.id;
  too_long.key = std::string(256, 'k');
  EXPECT_EQ(store_->Create(kSystem, too_long).error().where, "/data/attributes/key");
}

TEST_F(RunsTest, ARunNobodyExecutesExpires) {
  store::Run idle;
  idle.workspace = workspace_.id;
  idle.facts.driver = run::Driver::kNone;
  idle = Ok(store_->Create(kSystem, idle));
  clock_.Advance(hours(24 * 30) - seconds(1));
  EXPECT_EQ(Ok(Sweep()).moved, 0);
  clock_.Advance(seconds(1));
  EXPECT_EQ(Ok(Sweep()).moved, 1);
  EXPECT_EQ(Ok(store_->Get<store::Run>(kSystem, idle.id)).facts.reason, run::Reason::kExpired);
}

TEST_F(RunsTest, AHeartbeatIsWrittenNowAndThenOnly) {
  const store::Run r = MakeRun(workspace_.id);
  Go(r.id, {run::Status::kPlanning});
  const int64_t before = store_->last_change();
  for (int i = 0; i < 5; ++i) Go(r.id, {run::Status::kPlanning});
  EXPECT_EQ(store_->last_change(), before);
}

TEST_F(RunsTest, ADeletedWorkspaceEndsItsRuns) {
  MakeWebhook(MakeEndpoint({environment_.id, {}}, "p"), "h");
  const store::Run r = MakeRun(workspace_.id), next = MakeRun(workspace_.id);
  Go(r.id, {run::Status::kPlanning});
  Ok(Move(Act(r.id, Action::kCancel)));
  Ok(store_->Delete<Workspace>(kSystem, workspace_.id));
  for (base::RunId id : {r.id, next.id}) {
    const store::Run ended = Ok(store_->Get<store::Run>(kSystem, id));
    EXPECT_EQ(ended.facts.status, run::Status::kCanceled) << "the log stays";
    EXPECT_FALSE(ended.cancel_requested);
  }
  const auto deliveries = Deliveries();
  ASSERT_EQ(deliveries.size(), 2u) << "the environment's webhook hears of both";
  for (const Delivery& d : deliveries) {
    EXPECT_EQ(d.kind, EventKind::kErrored);
    EXPECT_EQ(d.reason, run::Reason::kCanceled);
    EXPECT_EQ(d.status, DeliveryStatus::kPending);
  }
  Ok(store_->Delete<Environment>(kSystem, environment_.id));
  for (const Delivery& d : Deliveries()) EXPECT_EQ(d.why, hook::Why::kDeleted);
  CheckTotals();
  ExpectConflict(Move(Report(r.id, run::Status::kPlanned)), "canceled");
  store::Run late;
  late.workspace = workspace_.id;
  auto refused = store_->Create(kSystem, late);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().where, "/data/relationships/workspace");
}

TEST_F(RunsTest, ListsFilterRuns) {
  const store::Run a = MakeRun(workspace_.id, "needle in a"), b = MakeRun(MakeWorkspace(environment_, "other").id);
  clock_.Advance(hours(1));
  Go(a.id, {run::Status::kPlanning});
  const auto total = [&](const std::string& name, std::vector<std::string> values, bool between = false) {
    Query query;
    query.filters = {{name, std::move(values), between}};
    return Ok(store_->List<store::Run>(kSystem, query)).total;
  };
  EXPECT_EQ(total("status", {"planning"}), 1);
  EXPECT_EQ(total("status", {"planning", "pending"}), 2);
  EXPECT_EQ(total("workspace", {Format(b.workspace)}), 1);
  EXPECT_EQ(total("environment", {Format(environment_.id)}), 2);
  EXPECT_EQ(total("is-dry", {"true"}), 0);
  EXPECT_EQ(total("created-at", {"2026-01-01T00:00:00Z", "2026-01-01T00:30:00Z"}, true), 2);
  EXPECT_EQ(total("created-at", {"2026-01-01T00:30:00Z", "2026-02-01T00:00:00Z"}, true), 0);
  const auto refused = [&](const std::string& name, const std::string& value) {
    Query query;
    query.filters = {{name, {value}, false}};
    auto page = store_->List<store::Run>(kSystem, query);
    EXPECT_FALSE(page);
    return page ? std::string() : page.error().where;
  };
  EXPECT_EQ(refused("status", "planing"), "filter[status]");
  EXPECT_EQ(refused("is-dry", "yes"), "filter[is-dry]");
  EXPECT_EQ(total("workspace", {"ws-of-somebody-else"}), 0) << "ids are no slips of the pen";
  clock_.Advance(base::Micros(1'234));
  MakeRun(workspace_.id);
  EXPECT_EQ(total("created-at", {"2026-01-01T01:00:00Z", "2026-01-01T01:00:00Z"}, true), 1) << "as it is shown";
  EXPECT_EQ(total("created-at", {"2026-01-01T01:00:01Z", "2026-01-01T02:00:00Z"}, true), 0);
  Query query;
  query.filters = {{"created-at", {"yesterday", "today"}, true}};
  EXPECT_EQ(store_->List<store::Run>(kSystem, query).error().where, "filter[created-at]");
  query = {};
  query.text = "Needle";
  EXPECT_EQ(Ok(store_->List<store::Run>(kSystem, query)).total, 1);
}

}  // namespace
}  // namespace store
