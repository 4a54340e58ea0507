// The state machine of a run.
//
//   pending > plan_queued > planning > planned > [cost_estimating > cost_estimated]
//     > [policy_checking > policy_checked | policy_override] > GATE > confirmed > apply_queued > applying > applied
//
// kNext holds the moves that a report may make; the gate, and what ends a run early, are rules on top of it. Only
// `apply` opens the gate of a run without auto-apply, and only `override` leads out of policy_override.
#include "run/run.h"

namespace run {
namespace {

using base::Error;
using base::Result;

using StatusSet = uint32_t;
static_assert(kStatusCount <= 32);

template <class... S>
constexpr StatusSet Set(S... statuses) {
  return (StatusSet{0} | ... | (StatusSet{1} << static_cast<unsigned>(statuses)));
}
constexpr bool Has(StatusSet set, Status status) { return (set & Set(status)) != 0; }

constexpr StatusSet kBehindGate = Set(Status::kConfirmed, Status::kApplyQueued, Status::kApplying);
constexpr StatusSet kBeforeGate = Set(Status::kPlanned, Status::kCostEstimated, Status::kPolicyChecked);
constexpr StatusSet kEnds = Set(Status::kErrored, Status::kCanceled);
constexpr StatusSet kDiscardable = kBeforeGate | Set(Status::kPending, Status::kPolicyOverride);

constexpr std::array<StatusSet, kStatusCount> kNext = {
    /* pending */ kEnds | Set(Status::kPlanQueued, Status::kPlanning),
    /* plan_queued */ kEnds | Set(Status::kPlanning),
    /* planning */ kEnds | Set(Status::kPlanned, Status::kPlannedAndFinished),
    /* planned */ kEnds | kBehindGate |
        Set(Status::kCostEstimating, Status::kPolicyChecking, Status::kPlannedAndFinished),
    /* cost_estimating */ kEnds | Set(Status::kCostEstimated),
    /* cost_estimated */ kEnds | kBehindGate | Set(Status::kPolicyChecking, Status::kPlannedAndFinished),
    /* policy_checking */ kEnds | Set(Status::kPolicyChecked, Status::kPolicyOverride),
    /* policy_checked */ kEnds | kBehindGate | Set(Status::kPlannedAndFinished),
    /* policy_override */ kEnds,
    /* confirmed */ kEnds | Set(Status::kApplyQueued, Status::kApplying),
    /* apply_queued */ kEnds | Set(Status::kApplying),
    /* applying */ kEnds | Set(Status::kApplied),
    /* applied */ 0,
    /* planned_and_finished */ 0,
    /* errored */ 0,
    /* discarded */ 0,
    /* canceled */ 0,
};

std::string Describe(Status status, Reason reason) {
  std::string text(Name(status));
  if (reason == Reason::kLost) text += " (lost)";
  return text;
}

Error Conflict(const Facts& facts, Status to, std::string_view why = {}) {
  std::string message =
      "run is " + Describe(facts.status, facts.reason) + "; it cannot become " + std::string(Name(to));
  if (!why.empty()) message.append(why);
  return {base::Code::kConflict, std::move(message)};
}

Error BadReason(Reason reason, const Facts& facts, Status to) {
  return base::Invalid("the reason " + std::string(Name(reason)) + " does not fit a run that goes from " +
                       std::string(Name(facts.status)) + " to " + std::string(Name(to)));
}

Reason ErroredReason(Status from) {
  switch (from) {
    case Status::kPending:
    case Status::kPlanQueued: return Reason::kInitFailed;
    case Status::kPolicyChecking:
    case Status::kPolicyChecked:
    case Status::kPolicyOverride: return Reason::kPolicyFailed;
    case Status::kConfirmed:
    case Status::kApplyQueued:
    case Status::kApplying: return Reason::kApplyFailed;
    default: return Reason::kPlanFailed;
  }
}

// The reason that belongs to `to` when it is reached from facts.status; `facts.has_changes` is that of `to`.
Reason NaturalReason(const Facts& facts, Status to) {
  switch (to) {
    case Status::kApplied: return facts.is_destroy ? Reason::kDestroyed : Reason::kApplied;
    case Status::kPlannedAndFinished: return facts.has_changes == false ? Reason::kNoChanges : Reason::kPlanOnly;
    case Status::kErrored: return ErroredReason(facts.status);
    case Status::kDiscarded: return Reason::kDiscarded;
    case Status::kCanceled: return Reason::kCanceled;
    case Status::kPolicyOverride: return Reason::kPolicyOverride;
    default: {
      Facts there = facts;
      there.status = to;
      return NeedsDecision(there) ? Reason::kApproval : Reason::kNone;
    }
  }
}

bool FitsExplicitly(Reason reason, const Facts& facts, Status to) {
  if (reason == NaturalReason(facts, to)) return true;
  if (to == Status::kErrored) return reason == Reason::kInitFailed && facts.status == Status::kPlanning;
  return to == Status::kPlannedAndFinished && reason == Reason::kPlanOnly && facts.is_dry;
}

std::optional<EventKind> EventOf(Status status, Reason reason, const Facts& facts) {
  switch (status) {
    case Status::kApplied:
    case Status::kPlannedAndFinished: return EventKind::kCompleted;
    case Status::kErrored:
    case Status::kCanceled: return EventKind::kErrored;
    case Status::kDiscarded:
      if (facts.discard_is_errored && reason == Reason::kDiscarded) return EventKind::kErrored;
      return std::nullopt;
    case Status::kPolicyOverride: return EventKind::kNeedsAttention;
    case Status::kPlanned:
    case Status::kPolicyChecked:
      if (reason == Reason::kApproval) return EventKind::kNeedsAttention;
      return std::nullopt;
    default: return std::nullopt;
  }
}

Step Stay(const Facts& facts) {
  Step step;
  step.status = facts.status;
  step.reason = facts.reason;
  step.lost_from = facts.lost_from;
  step.has_changes = facts.has_changes;
  return step;
}

Step Reach(const Facts& facts, Status to, Reason reason) {
  Step step;
  step.status = to;
  step.reason = reason;
  step.has_changes = facts.has_changes;
  step.changed = true;
  step.event = EventOf(to, reason, facts);
  return step;
}

Result<Step> Heartbeat(const Facts& facts, const Move& move) {
  if (move.reason == Reason::kNone || move.reason == facts.reason) return Stay(facts);
  return Conflict(facts, move.to, " with the reason " + std::string(Name(move.reason)));
}

Step Resume(const Facts& facts) {
  Facts before = facts;
  before.status = *facts.lost_from;
  Step step = Reach(facts, before.status, NaturalReason(before, before.status));
  step.event.reset();
  return step;
}

// Why a move that kNext lists is closed to a report all the same; empty when it is open.
std::string_view ClosedToReports(const Facts& facts, Status to) {
  if (Has(kBehindGate, to) && Has(kBeforeGate, facts.status)) {
    if (facts.is_dry) return ": it is plan-only";
    if (!facts.auto_apply) return " before a person applies it";
  }
  if (to == Status::kPlannedAndFinished && !facts.is_dry && facts.has_changes != false) {
    return ": it is not plan-only and may have changes";
  }
  return {};
}

Result<Step> DecideReport(Facts facts, const Move& move) {
  const bool lost = facts.status == Status::kErrored && facts.reason == Reason::kLost;
  if (lost && facts.lost_from == move.to) return Resume(facts);
  const bool tells_changes = move.to == Status::kPlanned || move.to == Status::kPlannedAndFinished;
  if (tells_changes && move.has_changes && facts.has_changes && *move.has_changes != *facts.has_changes) {
    return base::Invalid("this run was reported before as one " + std::string(*facts.has_changes ? "with" : "without") +
                         " changes");
  }
  if (move.to == facts.status) return Heartbeat(facts, move);
  if (facts.status == Status::kPolicyOverride && !Has(kEnds, move.to) && !IsFinal(move.to)) {
    return Conflict(facts, move.to, " before a person overrides the policy");
  }
  if (!Has(kNext[static_cast<size_t>(facts.status)], move.to)) return Conflict(facts, move.to);
  if (tells_changes && !facts.has_changes) facts.has_changes = move.has_changes;
  if (auto why = ClosedToReports(facts, move.to); !why.empty()) return Conflict(facts, move.to, why);
  if (move.reason != Reason::kNone && !FitsExplicitly(move.reason, facts, move.to)) {
    return BadReason(move.reason, facts, move.to);
  }
  return Reach(facts, move.to, move.reason != Reason::kNone ? move.reason : NaturalReason(facts, move.to));
}

Result<Step> DecideApply(const Facts& facts) {
  if (facts.status == Status::kPolicyOverride) {
    return Conflict(facts, Status::kConfirmed, " before a person overrides the policy");
  }
  if (!NeedsDecision(facts)) return Conflict(facts, Status::kConfirmed);
  return Reach(facts, Status::kConfirmed, Reason::kNone);
}

Result<Step> DecideCancel(const Facts& facts) {
  if (facts.status == Status::kCanceled) return Stay(facts);
  if (facts.status != Status::kPlanning && facts.status != Status::kApplying) {
    return Conflict(facts, Status::kCanceled);
  }
  if (facts.driver != Driver::kReporter) return Reach(facts, Status::kCanceled, Reason::kCanceled);
  Step step = Stay(facts);
  step.cancel_requested = true;
  return step;
}

Result<Step> DecideExpire(const Facts& facts) {
  if (IsFinal(facts.status) || facts.driver != Driver::kNone) return Conflict(facts, Status::kDiscarded);
  return Reach(facts, Status::kDiscarded, Reason::kExpired);
}

Result<Step> DecideLose(const Facts& facts) {
  if (IsFinal(facts.status) || facts.driver != Driver::kReporter) return Conflict(facts, Status::kErrored);
  Step step = Reach(facts, Status::kErrored, Reason::kLost);
  step.lost_from = facts.status;
  return step;
}

}  // namespace

bool NeedsDecision(const Facts& facts) {
  if (facts.status == Status::kPolicyOverride) return true;
  return Has(kBeforeGate, facts.status) && !facts.auto_apply && !facts.is_dry && facts.has_changes != false;
}

Result<Step> Decide(const Facts& facts, const Move& move) {
  switch (move.action) {
    case Action::kReport: return DecideReport(facts, move);
    case Action::kApply: return DecideApply(facts);
    case Action::kDiscard:
      if (!Has(kDiscardable, facts.status)) return Conflict(facts, Status::kDiscarded);
      return Reach(facts, Status::kDiscarded, Reason::kDiscarded);
    case Action::kCancel: return DecideCancel(facts);
    case Action::kOverride:
      if (facts.status != Status::kPolicyOverride) return Conflict(facts, Status::kPolicyChecked);
      return Reach(facts, Status::kPolicyChecked, NaturalReason(facts, Status::kPolicyChecked));
    case Action::kExpire: return DecideExpire(facts);
    case Action::kLose: return DecideLose(facts);
  }
  return Error(base::Code::kInternal, "unknown action");
}

}  // namespace run
