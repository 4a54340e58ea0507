#include <algorithm>
#include <charconv>
#include <chrono>

#include "base/time_text.h"
#include "hook/hook.h"

namespace hook {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// The example schedule of the Standard Webhooks specification, kept up daily after its end.
constexpr std::array<base::Micros, 10> kWaits = {seconds(0), seconds(5), minutes(5), minutes(30), hours(2),
                                                 hours(5),   hours(10),  hours(14),  hours(20),   hours(24)};
constexpr base::Micros kMaxPause = hours(10);
constexpr base::Micros kMaxOwnWait = seconds(60);

// Never earlier than planned; later by up to a tenth, so that deliveries that failed together do not return together.
base::Micros WithJitter(base::Micros wait, double chance) {
  double extra = static_cast<double>(wait.count()) * 0.1 * std::clamp(chance, 0.0, 1.0);
  return wait + base::Micros(static_cast<int64_t>(extra));
}

base::Micros WaitAfterOwnFaults(int in_a_row) {
  constexpr int kDoublings = 6;  // 64 s, beyond the limit
  return std::min<base::Micros>(seconds(1 << std::clamp(in_a_row, 0, kDoublings)), kMaxOwnWait);
}

std::optional<base::Micros> Pause(const AttemptFacts& facts) {
  bool may_ask = facts.code == 429 || facts.code == 503;
  if (!may_ask || !facts.retry_after || facts.retry_after->count() <= 0) return std::nullopt;
  return std::min(*facts.retry_after, kMaxPause);
}

Decision GiveUp(Why why, int attempts_used) {
  Decision decision;
  decision.verb = Verb::kGiveUp;
  decision.why = why;
  decision.attempts_used = attempts_used;
  return decision;
}

Decision Retry(Why why, int attempts_used, base::WallTime at) {
  Decision decision;
  decision.verb = Verb::kRetry;
  decision.why = why;
  decision.attempts_used = attempts_used;
  decision.retry_at = at;
  return decision;
}

Decision DecideOnFailure(const AttemptFacts& facts, int used, int max_attempts, base::WallTime now, double chance) {
  auto pause = Pause(facts);
  Decision decision;
  if (used >= max_attempts) {
    decision = GiveUp(Why::kAttemptsExhausted, used);
  } else {
    base::Micros wait = WithJitter(WaitBefore(used + 1), chance);
    bool asked = pause && *pause > wait;
    decision = Retry(asked ? Why::kRetryAfter : Why::kScheduled, used, now + (asked ? *pause : wait));
  }
  if (pause) decision.pause_endpoint = now + *pause;
  return decision;
}

}  // namespace

base::Micros WaitBefore(int n) {
  if (n <= 1) return base::Micros(0);
  return kWaits[std::min(static_cast<size_t>(n), kWaits.size()) - 1];
}

Decision Decide(const AttemptFacts& facts, int max_attempts, base::WallTime now, double chance) {
  int used = facts.attempts_used + 1;
  switch (facts.outcome) {
    case Outcome::kDelivered: {
      Decision decision;
      decision.attempts_used = used;
      return decision;
    }
    case Outcome::kOwnFault:
      return Retry(Why::kOwnFault, facts.attempts_used, now + WithJitter(WaitAfterOwnFaults(facts.own_faults), chance));
    case Outcome::kGone: {
      Decision decision = GiveUp(Why::kEndpointGone, used);
      decision.disable_endpoint = true;
      return decision;
    }
    case Outcome::kAddressRefused: return GiveUp(Why::kAddressRefused, used);
    case Outcome::kInvalidRequest: return GiveUp(Why::kInvalidRequest, used);
    default: return DecideOnFailure(facts, used, max_attempts, now, chance);
  }
}

std::optional<base::Micros> ParseRetryAfter(std::string_view text, base::WallTime now) {
  constexpr std::string_view kBlank = " \t";
  size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return std::nullopt;
  text = text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);

  if (text.find_first_not_of("0123456789") == std::string_view::npos) {
    constexpr int64_t kLongest = seconds(hours(24 * 365)).count();
    int64_t value = 0;
    auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (fault != std::errc()) value = kLongest;  // too large for 64 bits
    return seconds(std::min(value, kLongest));
  }
  auto time = base::ParseHttpDate(text);
  if (!time || *time < now) return std::nullopt;
  return *time - now;
}

int InFlightLimit(int limit, int failures_in_a_row) {
  constexpr int kHarmless = 2;  // a failure or two happen to every endpoint
  constexpr int kLooksDead = 10;
  int halvings = std::clamp(failures_in_a_row - kHarmless, 0, kLooksDead - kHarmless);
  if (failures_in_a_row >= kLooksDead) return 1;
  return std::max(limit >> halvings, 1);
}

}  // namespace hook
