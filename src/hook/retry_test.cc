#include <gtest/gtest.h>

#include <chrono>

#include "base/random.h"
#include "base/time_text.h"
#include "hook/hook.h"

namespace hook {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const base::WallTime kNow = *base::ParseTime("2026-03-01T12:00:00Z");

AttemptFacts Failure(Outcome outcome, int attempts_used, int code = 0) {
  AttemptFacts facts;
  facts.outcome = outcome;
  facts.attempts_used = attempts_used;
  facts.code = code;
  return facts;
}

AttemptFacts Busy(int code, base::Micros retry_after, int attempts_used = 0) {
  AttemptFacts facts = Failure(OutcomeOfCode(code), attempts_used, code);
  facts.retry_after = retry_after;
  return facts;
}

TEST(Retry, FollowsTheScheduleUpToTheThousandthAttempt) {
  const base::Micros expected[] = {seconds(0), seconds(5), minutes(5), minutes(30), hours(2),
                                   hours(5),   hours(10),  hours(14),  hours(20),   hours(24)};
  EXPECT_EQ(WaitBefore(-1), seconds(0));
  EXPECT_EQ(WaitBefore(0), seconds(0));
  for (int n = 1; n <= 1000; ++n) {
    base::Micros wait = n <= 10 ? expected[n - 1] : hours(24);
    EXPECT_EQ(WaitBefore(n), wait) << n;
    if (n == 1) continue;
    Decision decision = Decide(Failure(Outcome::kServerError, n - 2, 500), 1000, kNow, 0);
    EXPECT_EQ(decision.verb, Verb::kRetry) << n;
    EXPECT_EQ(decision.why, Why::kScheduled) << n;
    EXPECT_EQ(decision.retry_at, kNow + wait) << n;
  }
}

TEST(Retry, ThreeAttemptsGiveUpAfterAboutFiveMinutes) {
  base::WallTime now = kNow;
  Decision decision;
  for (int used = 0; used < 3; ++used) {
    decision = Decide(Failure(Outcome::kResponseTimeout, used), 3, now, 0);
    if (used < 2) now = decision.retry_at;
  }
  EXPECT_EQ(decision.verb, Verb::kGiveUp);
  EXPECT_EQ(decision.why, Why::kAttemptsExhausted);
  EXPECT_EQ(decision.attempts_used, 3);
  EXPECT_EQ(now - kNow, minutes(5) + seconds(5));
}

TEST(Retry, EveryOutcomeAtEveryAttemptIsDecided) {
  for (int i = 0; i < kOutcomeCount; ++i) {
    for (int used : {0, 1, 2, 8, 9, 10, 998, 999, 1000, 5000}) {
      for (int max : {1, 2, 3, 10, 999, 1000}) {
        auto outcome = static_cast<Outcome>(i);
        SCOPED_TRACE(std::string(Name(outcome)) + " used " + std::to_string(used) + " of " + std::to_string(max));
        Decision decision = Decide(Failure(outcome, used), max, kNow, 0.5);
        EXPECT_EQ(decision.attempts_used, outcome == Outcome::kOwnFault ? used : used + 1);
        EXPECT_EQ(decision.disable_endpoint, outcome == Outcome::kGone);
        EXPECT_FALSE(decision.pause_endpoint);
        EXPECT_EQ(decision.verb == Verb::kRetry, decision.retry_at > kNow);
        switch (outcome) {
          case Outcome::kDelivered:
            EXPECT_EQ(decision.verb, Verb::kDelivered);
            EXPECT_EQ(decision.why, Why::kSucceeded);
            break;
          case Outcome::kGone:
            EXPECT_EQ(decision.verb, Verb::kGiveUp);
            EXPECT_EQ(decision.why, Why::kEndpointGone);
            break;
          case Outcome::kAddressRefused:
            EXPECT_EQ(decision.verb, Verb::kGiveUp);
            EXPECT_EQ(decision.why, Why::kAddressRefused);
            break;
          case Outcome::kInvalidRequest:
            EXPECT_EQ(decision.verb, Verb::kGiveUp);
            EXPECT_EQ(decision.why, Why::kInvalidRequest);
            break;
          case Outcome::kOwnFault:
            EXPECT_EQ(decision.verb, Verb::kRetry);
            EXPECT_EQ(decision.why, Why::kOwnFault);
            break;
          default:
            EXPECT_EQ(decision.verb, used + 1 < max ? Verb::kRetry : Verb::kGiveUp);
            EXPECT_EQ(decision.why, used + 1 < max ? Why::kScheduled : Why::kAttemptsExhausted);
        }
      }
    }
  }
}

TEST(Retry, JitterIsNeverEarlyAndAtMostATenth) {
  auto random = base::MakeSeededRandom(20201125);
  for (int round = 0; round < 20'000; ++round) {
    int used = static_cast<int>(random->Next() % 12);
    Decision decision = Decide(Failure(Outcome::kConnectFailed, used), 1000, kNow, random->Fraction());
    base::Micros wait = decision.retry_at - kNow;
    base::Micros planned = WaitBefore(used + 2);
    EXPECT_GE(wait, planned);
    EXPECT_LE(wait, planned + planned / 10);
  }
  EXPECT_EQ(Decide(Failure(Outcome::kConnectFailed, 1), 10, kNow, 0.5).retry_at, kNow + minutes(5) + seconds(15));
}

TEST(Retry, OwnFaultsUseUpNothingAndWaitFromOneSecondToAMinute) {
  const int64_t expected[] = {1, 2, 4, 8, 16, 32, 60, 60};
  for (int faults = 0; faults < 100; ++faults) {
    AttemptFacts facts = Failure(Outcome::kOwnFault, 2);
    facts.own_faults = faults;
    for (double chance : {0.0, 0.999}) {
      Decision decision = Decide(facts, 3, kNow, chance);
      base::Micros planned = seconds(expected[std::min(faults, 7)]);
      EXPECT_EQ(decision.verb, Verb::kRetry);
      EXPECT_EQ(decision.attempts_used, 2);
      EXPECT_GE(decision.retry_at, kNow + planned);
      EXPECT_LE(decision.retry_at, kNow + planned + planned / 10);
    }
  }
  AttemptFacts endless = Failure(Outcome::kOwnFault, 0);
  endless.own_faults = std::numeric_limits<int>::max();
  EXPECT_EQ(Decide(endless, 3, kNow, 0).retry_at, kNow + seconds(60));
}

TEST(Retry, HonoursRetryAfterUpToCap) {
  for (int code : {429, 503}) {
    Decision decision = Decide(Busy(code, minutes(10)), 10, kNow, 0.9);
    EXPECT_EQ(decision.verb, Verb::kRetry);
    EXPECT_EQ(decision.why, Why::kRetryAfter);
    EXPECT_EQ(decision.retry_at, kNow + minutes(10));
    EXPECT_EQ(decision.pause_endpoint, kNow + minutes(10));

    decision = Decide(Busy(code, hours(24 * 365)), 10, kNow, 0);
    EXPECT_EQ(decision.retry_at, kNow + hours(10));
    EXPECT_EQ(decision.pause_endpoint, kNow + hours(10));
    EXPECT_EQ(Decide(Busy(code, base::Micros::max()), 10, kNow, 0).pause_endpoint, kNow + hours(10));
  }
}

TEST(Retry, AShortRetryAfterPausesButNeverHurriesTheSchedule) {
  Decision decision = Decide(Busy(429, seconds(2), 1), 10, kNow, 0);
  EXPECT_EQ(decision.why, Why::kScheduled);
  EXPECT_EQ(decision.retry_at, kNow + minutes(5));
  EXPECT_EQ(decision.pause_endpoint, kNow + seconds(2));
}

TEST(Retry, TheLastAttemptStillPausesTheEndpointForItsOtherDeliveries) {
  Decision decision = Decide(Busy(503, minutes(1), 2), 3, kNow, 0);
  EXPECT_EQ(decision.verb, Verb::kGiveUp);
  EXPECT_EQ(decision.why, Why::kAttemptsExhausted);
  EXPECT_EQ(decision.pause_endpoint, kNow + minutes(1));
}

TEST(Retry, RetryAfterOfOtherCodesAndUselessOnesAreIgnored) {
  for (int code : {400, 404, 500, 502, 504, 301}) {
    Decision decision = Decide(Busy(code, hours(1)), 10, kNow, 0);
    EXPECT_EQ(decision.why, Why::kScheduled) << code;
    EXPECT_EQ(decision.retry_at, kNow + seconds(5)) << code;
    EXPECT_FALSE(decision.pause_endpoint) << code;
  }
  EXPECT_FALSE(Decide(Busy(429, seconds(0)), 10, kNow, 0).pause_endpoint);
  EXPECT_FALSE(Decide(Busy(429, seconds(-5)), 10, kNow, 0).pause_endpoint);
}

TEST(RetryAfter, ReadsSecondsAndHttpDates) {
  EXPECT_EQ(ParseRetryAfter("120", kNow), seconds(120));
  EXPECT_EQ(ParseRetryAfter(" \t7 ", kNow), seconds(7));
  EXPECT_EQ(ParseRetryAfter("0", kNow), seconds(0));
  EXPECT_EQ(ParseRetryAfter("Sun, 01 Mar 2026 12:05:00 GMT", kNow), minutes(5));
  EXPECT_EQ(ParseRetryAfter("Sun, 01 Mar 2026 12:00:00 GMT", kNow), seconds(0));
}

TEST(RetryAfter, TooLargeIsLongNotWrong) {
  for (const char* text :
       {"99999999999", "9223372036854775807", "9223372036854775808", "999999999999999999999999999999999999999999"}) {
    auto wait = ParseRetryAfter(text, kNow);
    ASSERT_TRUE(wait) << text;
    EXPECT_EQ(Decide(Busy(503, *wait), 10, kNow, 0).pause_endpoint, kNow + hours(10)) << text;
  }
  EXPECT_GT(ParseRetryAfter("Fri, 31 Dec 9999 23:59:59 GMT", kNow), hours(10));
}

TEST(RetryAfter, NegativePastAndMalformedAreNone) {
  for (const char* text : {"", " ", "-1", "+1", "1.5", "1e3", "0x10", "5s", "1 2", "soon", "Sun, 01 Mar 2026",
                           "Sun, 01 Mar 2026 11:59:59 GMT", "2026-03-01T13:00:00Z", "120\n"}) {
    EXPECT_EQ(ParseRetryAfter(text, kNow), std::nullopt) << '"' << text << '"';
  }
}

TEST(InFlightLimit, ShrinksWithFailuresAndNeverBelowOne) {
  for (int limit : {-3, 0, 1, 2, 10, 1000, 1 << 30}) {
    int last = std::max(limit, 1);
    for (int failures = 0; failures < 50; ++failures) {
      int now = InFlightLimit(limit, failures);
      EXPECT_GE(now, 1);
      EXPECT_LE(now, last) << limit << " after " << failures;
      last = now;
    }
    EXPECT_EQ(last, 1) << limit;
    EXPECT_EQ(InFlightLimit(limit, std::numeric_limits<int>::max()), 1);
  }
  EXPECT_EQ(InFlightLimit(10, 0), 10);
  EXPECT_EQ(InFlightLimit(10, 2), 10);
  EXPECT_EQ(InFlightLimit(10, 3), 5);
  EXPECT_EQ(InFlightLimit(10, 10), 1);
}

}  // namespace
}  // namespace hook
