#include <algorithm>

#include "run/run.h"

namespace run {
namespace {

constexpr std::array<std::string_view, kStatusCount> kStatusNames = {
    "pending",         "plan_queued",          "planning",        "planned",   "cost_estimating", "cost_estimated",
    "policy_checking", "policy_checked",       "policy_override", "confirmed", "apply_queued",    "applying",
    "applied",         "planned_and_finished", "errored",         "discarded", "canceled"};

constexpr std::array<std::string_view, kAllEvents.size()> kEventNames = {"run:completed", "run:errored",
                                                                         "run:needs_attention"};

constexpr std::array<std::string_view, 15> kReasonNames = {
    "",          "approval",    "policy_override", "applied",      "destroyed",     "no_changes",
    "plan_only", "init_failed", "plan_failed",     "apply_failed", "policy_failed", "lost",
    "canceled",  "discarded",   "expired"};

constexpr std::array<std::string_view, 3> kDriverNames = {"reporter", "server", "none"};

constexpr std::array<std::string_view, 7> kActionNames = {"report",   "apply",  "discard", "cancel",
                                                          "override", "expire", "lose"};

template <class Enum, size_t kSize>
std::optional<Enum> Find(const std::array<std::string_view, kSize>& names, std::string_view text) {
  auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end()) return std::nullopt;
  return static_cast<Enum>(found - names.begin());
}

}  // namespace

std::string_view Name(Status status) { return kStatusNames[static_cast<size_t>(status)]; }
std::optional<Status> ParseStatus(std::string_view text) { return Find<Status>(kStatusNames, text); }

bool IsFinal(Status status) {
  switch (status) {
    case Status::kApplied:
    case Status::kPlannedAndFinished:
    case Status::kErrored:
    case Status::kDiscarded:
    case Status::kCanceled: return true;
    default: return false;
  }
}

std::string_view Name(EventKind kind) { return kEventNames[static_cast<size_t>(kind)]; }
std::optional<EventKind> ParseEventKind(std::string_view text) { return Find<EventKind>(kEventNames, text); }

std::string_view Description(EventKind kind) {
  switch (kind) {
    case EventKind::kCompleted:
      return "The run has succeeded: its changes were applied, or there was nothing to apply.";
    case EventKind::kErrored:
      return "The run has stopped because of an error in the code, a policy, or a manual cancellation.";
    case EventKind::kNeedsAttention: return "The run waits for a person who reviews its plan or overrides a policy.";
  }
  return "";
}

std::string_view Name(Reason reason) { return kReasonNames[static_cast<size_t>(reason)]; }
std::optional<Reason> ParseReason(std::string_view text) {
  if (text.empty()) return std::nullopt;
  return Find<Reason>(kReasonNames, text);
}

std::string_view Name(Driver driver) { return kDriverNames[static_cast<size_t>(driver)]; }
std::optional<Driver> ParseDriver(std::string_view text) { return Find<Driver>(kDriverNames, text); }

std::string_view Name(Action action) { return kActionNames[static_cast<size_t>(action)]; }

}  // namespace run
