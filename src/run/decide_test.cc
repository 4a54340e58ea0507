#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "run/run.h"

namespace run {
namespace {

using testing::HasSubstr;

// Columns in the order of Status. '=' heartbeat, 'y' legal, 'g' legal with auto-apply only (the gate), 'n' legal when
// plan-only or without changes, '.' refused.
constexpr std::string_view kReportTable[kStatusCount] = {
    /* pending              */ "=yy...........y.y",
    /* plan_queued          */ ".=y...........y.y",
    /* planning             */ "..=y.........ny.y",
    /* planned              */ "...=y.y..ggg.ny.y",
    /* cost_estimating      */ "....=y........y.y",
    /* cost_estimated       */ ".....=y..ggg.ny.y",
    /* policy_checking      */ "......=yy.....y.y",
    /* policy_checked       */ ".......=.ggg.ny.y",
    /* policy_override      */ "........=.....y.y",
    /* confirmed            */ ".........=yy..y.y",
    /* apply_queued         */ "..........=y..y.y",
    /* applying             */ "...........=y.y.y",
    /* applied              */ "............=....",
    /* planned_and_finished */ ".............=...",
    /* errored              */ "..............=..",
    /* discarded            */ "...............=.",
    /* canceled             */ "................=",
};

Status At(int i) { return static_cast<Status>(i); }

Move Report(Status to, Reason reason = Reason::kNone) {
  Move move;
  move.to = to;
  move.reason = reason;
  return move;
}
Move Act(Action action) {
  Move move;
  move.action = action;
  return move;
}
Facts In(Status status) {
  Facts facts;
  facts.status = status;
  facts.has_changes = true;
  return facts;
}

std::vector<Facts> AllKindsOfRunIn(Status status) {
  std::vector<Facts> all;
  for (int bits = 0; bits < 8; ++bits) {
    for (auto changes : {std::optional<bool>(), std::optional<bool>(true), std::optional<bool>(false)}) {
      for (auto driver : {Driver::kReporter, Driver::kServer, Driver::kNone}) {
        Facts facts;
        facts.status = status;
        facts.auto_apply = bits & 1;
        facts.is_dry = bits & 2;
        facts.is_destroy = bits & 4;
        facts.has_changes = changes;
        facts.driver = driver;
        all.push_back(facts);
      }
    }
  }
  return all;
}

std::string Show(const Facts& f, Status to) {
  return std::string(Name(f.status)) + " -> " + std::string(Name(to)) + (f.auto_apply ? " auto" : "") +
         (f.is_dry ? " dry" : "") + (f.has_changes ? (*f.has_changes ? " changes" : " unchanged") : "");
}

TEST(Decide, EveryReportFromEveryStateIsAsTheTableSays) {
  for (int from = 0; from < kStatusCount; ++from) {
    for (const Facts& facts : AllKindsOfRunIn(At(from))) {
      for (int to = 0; to < kStatusCount; ++to) {
        const char expected = kReportTable[from][to];
        bool legal = expected == 'y' || expected == '=';
        if (expected == 'g') legal = facts.auto_apply && !facts.is_dry;
        if (expected == 'n') legal = facts.is_dry || facts.has_changes == false;
        auto step = Decide(facts, Report(At(to)));
        ASSERT_EQ(step.has_value(), legal) << Show(facts, At(to));
        if (!legal) {
          EXPECT_EQ(step.error().code, base::Code::kConflict) << Show(facts, At(to));
          EXPECT_THAT(step.error().message, HasSubstr("run is " + std::string(Name(facts.status))));
          EXPECT_THAT(step.error().message, HasSubstr("it cannot become " + std::string(Name(At(to)))));
          continue;
        }
        EXPECT_EQ(step->status, At(to));
        EXPECT_EQ(step->changed, expected != '=') << Show(facts, At(to));
        EXPECT_FALSE(expected == '=' && step->event) << Show(facts, At(to));
        EXPECT_FALSE(step->cancel_requested);
      }
    }
  }
}

bool Waits(const Facts& f) {
  if (f.status == Status::kPolicyOverride) return true;
  const bool stage =
      f.status == Status::kPlanned || f.status == Status::kCostEstimated || f.status == Status::kPolicyChecked;
  return stage && !f.auto_apply && !f.is_dry && f.has_changes != false;
}

TEST(Decide, OnlyRunsThatAPersonHasToLookAtNeedADecision) {
  for (int i = 0; i < kStatusCount; ++i) {
    for (const Facts& facts : AllKindsOfRunIn(At(i))) EXPECT_EQ(NeedsDecision(facts), Waits(facts)) << Name(At(i));
  }
}

// What each action does in each state: the state afterwards, "same" (a cancel that changes nothing at once), or "409".
std::string ExpectedOfAction(const Facts& f, Action action) {
  const Status s = f.status;
  switch (action) {
    case Action::kApply: return Waits(f) && s != Status::kPolicyOverride ? "confirmed" : "409";
    case Action::kDiscard:
      return s == Status::kPending || s == Status::kPlanned || s == Status::kCostEstimated ||
                     s == Status::kPolicyChecked || s == Status::kPolicyOverride
                 ? "discarded"
                 : "409";
    case Action::kOverride: return s == Status::kPolicyOverride ? "policy_checked" : "409";
    case Action::kCancel:
      if (s == Status::kCanceled) return "same";
      if (s != Status::kPlanning && s != Status::kApplying) return "409";
      return f.driver == Driver::kReporter ? "same" : "canceled";
    case Action::kExpire: return f.driver == Driver::kNone && !IsFinal(s) ? "discarded" : "409";
    case Action::kLose: return f.driver == Driver::kReporter && !IsFinal(s) ? "errored" : "409";
    case Action::kReport: break;
  }
  return "?";
}

TEST(Decide, EveryActionInEveryStateIsAsExpected) {
  for (int i = 0; i < kStatusCount; ++i) {
    for (const Facts& facts : AllKindsOfRunIn(At(i))) {
      for (auto action :
           {Action::kApply, Action::kDiscard, Action::kCancel, Action::kOverride, Action::kExpire, Action::kLose}) {
        const std::string expected = ExpectedOfAction(facts, action);
        auto step = Decide(facts, Act(action));
        const std::string where = std::string(Name(action)) + " in " + std::string(Name(At(i)));
        ASSERT_EQ(step.has_value(), expected != "409") << where;
        if (!step) {
          EXPECT_EQ(step.error().code, base::Code::kConflict) << where;
          EXPECT_THAT(step.error().message, HasSubstr("run is " + std::string(Name(At(i)))));
          continue;
        }
        EXPECT_EQ(Name(step->status), expected == "same" ? Name(At(i)) : expected) << where;
        EXPECT_EQ(step->changed, expected != "same") << where;
      }
    }
  }
}

struct Ring {
  std::optional<EventKind> event;
  Reason reason = Reason::kNone;
};
Ring RingOf(const Facts& facts, const Move& move) {
  auto step = Decide(facts, move);
  if (!step) {
    ADD_FAILURE() << step.error().message;
    return {};
  }
  return {step->event, step->reason};
}
void ExpectRing(const Ring& ring, std::optional<EventKind> event, Reason reason) {
  EXPECT_EQ(ring.event, event);
  EXPECT_EQ(Name(ring.reason), Name(reason));
}

TEST(Events, PlannedNeedsAttentionOnlyWhenAPersonHasToApprove) {
  Facts facts = In(Status::kPlanning);
  ExpectRing(RingOf(facts, Report(Status::kPlanned)), EventKind::kNeedsAttention, Reason::kApproval);
  facts.has_changes.reset();
  ExpectRing(RingOf(facts, Report(Status::kPlanned)), EventKind::kNeedsAttention, Reason::kApproval);
  facts.has_changes = false;
  ExpectRing(RingOf(facts, Report(Status::kPlanned)), std::nullopt, Reason::kNone);
  facts.has_changes = true;
  facts.is_dry = true;
  ExpectRing(RingOf(facts, Report(Status::kPlanned)), std::nullopt, Reason::kNone);
  facts.is_dry = false;
  facts.auto_apply = true;
  ExpectRing(RingOf(facts, Report(Status::kPlanned)), std::nullopt, Reason::kNone);
}

TEST(Events, ChangesToldWithThePlanDecideWhetherItWaits) {
  Facts facts = In(Status::kPlanning);
  facts.has_changes.reset();
  Move move = Report(Status::kPlanned);
  move.has_changes = false;
  auto step = Decide(facts, move);
  ASSERT_TRUE(step);
  EXPECT_EQ(step->has_changes, false);
  EXPECT_EQ(step->event, std::nullopt);
  move.has_changes = true;
  step = Decide(facts, move);
  ASSERT_TRUE(step);
  EXPECT_EQ(step->has_changes, true);
  EXPECT_EQ(step->event, EventKind::kNeedsAttention);
}

TEST(Events, PolicyStatesAskForApprovalOrOverride) {
  Facts facts = In(Status::kPolicyChecking);
  ExpectRing(RingOf(facts, Report(Status::kPolicyChecked)), EventKind::kNeedsAttention, Reason::kApproval);
  ExpectRing(RingOf(facts, Report(Status::kPolicyOverride)), EventKind::kNeedsAttention, Reason::kPolicyOverride);
  facts.auto_apply = true;
  ExpectRing(RingOf(facts, Report(Status::kPolicyChecked)), std::nullopt, Reason::kNone);
  ExpectRing(RingOf(facts, Report(Status::kPolicyOverride)), EventKind::kNeedsAttention, Reason::kPolicyOverride);
}

TEST(Events, AnOverriddenPolicyStillWaitsForApproval) {
  Facts facts = In(Status::kPolicyOverride);
  ExpectRing(RingOf(facts, Act(Action::kOverride)), EventKind::kNeedsAttention, Reason::kApproval);
  facts.auto_apply = true;
  ExpectRing(RingOf(facts, Act(Action::kOverride)), std::nullopt, Reason::kNone);
}

TEST(Events, CostEstimatedWaitsWithoutRinging) {
  ExpectRing(RingOf(In(Status::kCostEstimating), Report(Status::kCostEstimated)), std::nullopt, Reason::kApproval);
}

TEST(Events, AppliedIsCompletedAndADestroySaysSo) {
  Facts facts = In(Status::kApplying);
  ExpectRing(RingOf(facts, Report(Status::kApplied)), EventKind::kCompleted, Reason::kApplied);
  facts.is_destroy = true;
  ExpectRing(RingOf(facts, Report(Status::kApplied)), EventKind::kCompleted, Reason::kDestroyed);
}

TEST(Events, PlannedAndFinishedSaysWhy) {
  Facts facts = In(Status::kPlanning);
  facts.is_dry = true;
  ExpectRing(RingOf(facts, Report(Status::kPlannedAndFinished)), EventKind::kCompleted, Reason::kPlanOnly);
  facts.has_changes.reset();
  ExpectRing(RingOf(facts, Report(Status::kPlannedAndFinished)), EventKind::kCompleted, Reason::kPlanOnly);
  facts.has_changes = false;
  ExpectRing(RingOf(facts, Report(Status::kPlannedAndFinished)), EventKind::kCompleted, Reason::kNoChanges);
  ExpectRing(RingOf(facts, Report(Status::kPlannedAndFinished, Reason::kPlanOnly)), EventKind::kCompleted,
             Reason::kPlanOnly);
  facts.is_dry = false;
  ExpectRing(RingOf(facts, Report(Status::kPlannedAndFinished)), EventKind::kCompleted, Reason::kNoChanges);
  auto wrong = Decide(facts, Report(Status::kPlannedAndFinished, Reason::kPlanOnly));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, base::Code::kInvalid);
}

TEST(Events, AnErrorIsNamedByWhereItHappened) {
  const std::map<Status, Reason> expected = {
      {Status::kPending, Reason::kInitFailed},          {Status::kPlanQueued, Reason::kInitFailed},
      {Status::kPlanning, Reason::kPlanFailed},         {Status::kPlanned, Reason::kPlanFailed},
      {Status::kCostEstimating, Reason::kPlanFailed},   {Status::kCostEstimated, Reason::kPlanFailed},
      {Status::kPolicyChecking, Reason::kPolicyFailed}, {Status::kPolicyChecked, Reason::kPolicyFailed},
      {Status::kPolicyOverride, Reason::kPolicyFailed}, {Status::kConfirmed, Reason::kApplyFailed},
      {Status::kApplyQueued, Reason::kApplyFailed},     {Status::kApplying, Reason::kApplyFailed},
  };
  for (auto [from, reason] : expected) {
    ExpectRing(RingOf(In(from), Report(Status::kErrored)), EventKind::kErrored, reason);
    for (int i = 1; i <= static_cast<int>(Reason::kExpired); ++i) {
      auto given = static_cast<Reason>(i);
      auto step = Decide(In(from), Report(Status::kErrored, given));
      const bool fits = given == reason || (given == Reason::kInitFailed && from == Status::kPlanning);
      ASSERT_EQ(step.has_value(), fits) << Name(from) << " " << Name(given);
      if (fits) {
        EXPECT_EQ(step->reason, given);
      } else {
        EXPECT_EQ(step.error().code, base::Code::kInvalid);
        EXPECT_THAT(step.error().message, HasSubstr(std::string(Name(given))));
      }
    }
  }
}

TEST(Events, CanceledIsErroredAndDiscardedIsSilentUnlessSetOtherwise) {
  ExpectRing(RingOf(In(Status::kApplying), Report(Status::kCanceled)), EventKind::kErrored, Reason::kCanceled);
  Facts facts = In(Status::kPlanned);
  ExpectRing(RingOf(facts, Act(Action::kDiscard)), std::nullopt, Reason::kDiscarded);
  facts.discard_is_errored = true;
  ExpectRing(RingOf(facts, Act(Action::kDiscard)), EventKind::kErrored, Reason::kDiscarded);
}

TEST(Events, AnExpiredRunEndsSilentlyWhateverTheSetting) {
  Facts facts = In(Status::kPlanned);
  facts.driver = Driver::kNone;
  facts.discard_is_errored = true;
  ExpectRing(RingOf(facts, Act(Action::kExpire)), std::nullopt, Reason::kExpired);
}

TEST(Events, AReasonOnAStateThatHasNoneIsRefused) {
  auto step = Decide(In(Status::kPending), Report(Status::kPlanning, Reason::kApplied));
  ASSERT_FALSE(step);
  EXPECT_EQ(step.error().code, base::Code::kInvalid);
}

TEST(Decide, CancelAsksTheReporterAndStopsOthersAtOnce) {
  Facts facts = In(Status::kApplying);
  auto asked = Decide(facts, Act(Action::kCancel));
  ASSERT_TRUE(asked);
  EXPECT_TRUE(asked->cancel_requested);
  EXPECT_FALSE(asked->changed);
  EXPECT_EQ(asked->status, Status::kApplying);
  EXPECT_EQ(asked->event, std::nullopt);
  facts.driver = Driver::kServer;
  auto stopped = Decide(facts, Act(Action::kCancel));
  ASSERT_TRUE(stopped);
  EXPECT_FALSE(stopped->cancel_requested);
  EXPECT_EQ(stopped->status, Status::kCanceled);
  EXPECT_EQ(stopped->event, EventKind::kErrored);
}

TEST(Decide, CancelOfACanceledRunChangesNothing) {
  auto step = Decide(In(Status::kCanceled), Act(Action::kCancel));
  ASSERT_TRUE(step);
  EXPECT_FALSE(step->changed);
  EXPECT_FALSE(step->cancel_requested);
  EXPECT_EQ(step->event, std::nullopt);
}

TEST(Decide, MessagesNameBothStatesAndSayWhatIsMissing) {
  auto applied = Decide(In(Status::kApplied), Report(Status::kPlanning));
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().message, "run is applied; it cannot become planning");
  auto gate = Decide(In(Status::kPlanned), Report(Status::kApplying));
  ASSERT_FALSE(gate);
  EXPECT_EQ(gate.error().message, "run is planned; it cannot become applying before a person applies it");
  auto policy = Decide(In(Status::kPolicyOverride), Report(Status::kPolicyChecked));
  ASSERT_FALSE(policy);
  EXPECT_EQ(policy.error().message,
            "run is policy_override; it cannot become policy_checked before a person overrides the policy");
  Facts dry = In(Status::kPlanned);
  dry.is_dry = dry.auto_apply = true;
  auto never = Decide(dry, Report(Status::kApplying));
  ASSERT_FALSE(never);
  EXPECT_EQ(never.error().message, "run is planned; it cannot become applying: it is plan-only");
}

TEST(Decide, WhatWasSaidAboutChangesCannotBeTakenBack) {
  Facts facts = In(Status::kPlanned);
  Move move = Report(Status::kPlannedAndFinished);
  move.has_changes = false;
  auto step = Decide(facts, move);
  ASSERT_FALSE(step);
  EXPECT_EQ(step.error().code, base::Code::kInvalid);
  move.to = Status::kPlanned;
  EXPECT_FALSE(Decide(facts, move));
  move.has_changes = true;
  EXPECT_TRUE(Decide(facts, move));
}

TEST(Decide, AHeartbeatThatNamesAnotherReasonIsRefused) {
  Facts facts = In(Status::kErrored);
  facts.reason = Reason::kPlanFailed;
  EXPECT_TRUE(Decide(facts, Report(Status::kErrored)));
  EXPECT_TRUE(Decide(facts, Report(Status::kErrored, Reason::kPlanFailed)));
  auto other = Decide(facts, Report(Status::kErrored, Reason::kApplyFailed));
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, base::Code::kConflict);
}

class Lost : public testing::TestWithParam<Status> {};

TEST_P(Lost, ResumesOnlyToWhereItWasAndRingsNothing) {
  const Status before = GetParam();
  Facts facts = In(before);
  auto lost = Decide(facts, Act(Action::kLose));
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->event, EventKind::kErrored);
  EXPECT_EQ(lost->reason, Reason::kLost);
  EXPECT_EQ(lost->lost_from, before);
  facts.status = lost->status;
  facts.reason = lost->reason;
  facts.lost_from = lost->lost_from;
  for (int i = 0; i < kStatusCount; ++i) {
    auto step = Decide(facts, Report(At(i)));
    if (At(i) == before) {
      ASSERT_TRUE(step);
      EXPECT_EQ(step->status, before);
      EXPECT_TRUE(step->changed);
      EXPECT_EQ(step->event, std::nullopt);
      EXPECT_EQ(step->lost_from, std::nullopt);
      EXPECT_EQ(step->has_changes, true);
    } else if (At(i) == Status::kErrored) {
      ASSERT_TRUE(step);
      EXPECT_FALSE(step->changed);
    } else {
      ASSERT_FALSE(step) << Name(At(i));
      EXPECT_THAT(step.error().message, HasSubstr("run is errored (lost)"));
    }
  }
  EXPECT_FALSE(Decide(facts, Report(Status::kErrored, Reason::kApplyFailed)));
}

INSTANTIATE_TEST_SUITE_P(EveryLiveState, Lost,
                         testing::Values(Status::kPending, Status::kPlanQueued, Status::kPlanning, Status::kPlanned,
                                         Status::kCostEstimating, Status::kCostEstimated, Status::kPolicyChecking,
                                         Status::kPolicyChecked, Status::kPolicyOverride, Status::kConfirmed,
                                         Status::kApplyQueued, Status::kApplying),
                         [](const auto& info) { return std::string(Name(info.param)); });

TEST(Decide, AWaitingRunThatWasLostStillWaitsWhenItIsBack) {
  Facts facts = In(Status::kErrored);
  facts.reason = Reason::kLost;
  facts.lost_from = Status::kPlanned;
  auto step = Decide(facts, Report(Status::kPlanned));
  ASSERT_TRUE(step);
  EXPECT_EQ(step->reason, Reason::kApproval);
  facts.status = step->status;
  EXPECT_TRUE(NeedsDecision(facts));
  EXPECT_FALSE(Decide(facts, Report(Status::kApplying)));
}

void Follow(Facts& facts, const Step& step) {
  facts.status = step.status;
  facts.reason = step.reason;
  facts.lost_from = step.lost_from;
  facts.has_changes = step.has_changes;
}

TEST(Property, NoSequenceOfReportsPassesTheGateWithoutAPerson) {
  std::mt19937 chance(20201125);
  auto pick = [&](int below) { return static_cast<int>(chance() % static_cast<unsigned>(below)); };
  int applied_by_person = 0;
  for (int walk = 0; walk < 20000; ++walk) {
    Facts facts;
    facts.is_dry = pick(4) == 0;
    facts.is_destroy = pick(2) == 0;
    const bool person = pick(2) == 0;
    bool opened = false;
    for (int i = 0; i < 60; ++i) {
      Move move = Report(At(pick(kStatusCount)));
      if (pick(3) == 0) move.has_changes = pick(2) == 0;
      if (pick(30) == 0) move.action = Action::kLose;
      if (person && pick(8) == 0) move.action = pick(2) == 0 ? Action::kApply : Action::kOverride;
      const bool waited = NeedsDecision(facts);
      auto step = Decide(facts, move);
      if (!step) continue;
      if (move.action == Action::kApply) {
        EXPECT_TRUE(waited);
        opened = true;
      }
      Follow(facts, *step);
      if (facts.status == Status::kConfirmed || facts.status == Status::kApplyQueued ||
          facts.status == Status::kApplying || facts.status == Status::kApplied) {
        ASSERT_TRUE(opened) << "walk " << walk;
        ++applied_by_person;
      }
    }
  }
  EXPECT_GT(applied_by_person, 100) << "the walk never reached the other side, so it proved nothing";
}

TEST(Property, FinalStatesHaveNoExitButForALostRun) {
  for (int i = 0; i < kStatusCount; ++i) {
    if (!IsFinal(At(i))) continue;
    for (Facts facts : AllKindsOfRunIn(At(i))) {
      for (int action = 0; action <= static_cast<int>(Action::kLose); ++action) {
        for (int to = 0; to < kStatusCount; ++to) {
          Move move = Report(At(to));
          move.action = static_cast<Action>(action);
          auto step = Decide(facts, move);
          if (step) {
            EXPECT_FALSE(step->changed) << Name(At(i)) << " " << Name(move.action) << " " << Name(At(to));
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace run
