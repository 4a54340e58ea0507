#include <gtest/gtest.h>

#include <set>

#include "hook/hook.h"

namespace hook {
namespace {

TEST(Outcome, OfEveryCode) {
  for (int code = -1; code <= 1000; ++code) {
    Outcome expected = Outcome::kBadResponse;
    if (code >= 200 && code <= 299) expected = Outcome::kDelivered;
    if (code >= 300 && code <= 399) expected = Outcome::kRedirected;
    if (code >= 400 && code <= 499) expected = Outcome::kClientError;
    if (code >= 500 && code <= 599) expected = Outcome::kServerError;
    if (code == 410) expected = Outcome::kGone;
    if (code == 429) expected = Outcome::kRateLimited;
    EXPECT_EQ(OutcomeOfCode(code), expected) << code;
  }
}

TEST(Outcome, EachHasOneNameThatReadsBack) {
  std::set<std::string_view> names;
  for (int i = 0; i < kOutcomeCount; ++i) {
    auto outcome = static_cast<Outcome>(i);
    EXPECT_FALSE(Name(outcome).empty());
    EXPECT_TRUE(names.insert(Name(outcome)).second) << Name(outcome);
    EXPECT_EQ(ParseOutcome(Name(outcome)), outcome);
  }
  EXPECT_EQ(ParseOutcome(""), std::nullopt);
  EXPECT_EQ(ParseOutcome("Delivered"), std::nullopt);
}

// The database keeps these words: they must not change with the order of the enumerators.
TEST(Outcome, NamesAreTheirEnumerators) {
  EXPECT_EQ(Name(Outcome::kDelivered), "delivered");
  EXPECT_EQ(Name(Outcome::kRedirected), "redirected");
  EXPECT_EQ(Name(Outcome::kClientError), "client_error");
  EXPECT_EQ(Name(Outcome::kGone), "gone");
  EXPECT_EQ(Name(Outcome::kRateLimited), "rate_limited");
  EXPECT_EQ(Name(Outcome::kServerError), "server_error");
  EXPECT_EQ(Name(Outcome::kBadResponse), "bad_response");
  EXPECT_EQ(Name(Outcome::kResolveFailed), "resolve_failed");
  EXPECT_EQ(Name(Outcome::kResolveTimeout), "resolve_timeout");
  EXPECT_EQ(Name(Outcome::kConnectRefused), "connect_refused");
  EXPECT_EQ(Name(Outcome::kConnectFailed), "connect_failed");
  EXPECT_EQ(Name(Outcome::kConnectTimeout), "connect_timeout");
  EXPECT_EQ(Name(Outcome::kTlsFailed), "tls_failed");
  EXPECT_EQ(Name(Outcome::kConnectionLost), "connection_lost");
  EXPECT_EQ(Name(Outcome::kResponseTimeout), "response_timeout");
  EXPECT_EQ(Name(Outcome::kAddressRefused), "address_refused");
  EXPECT_EQ(Name(Outcome::kInvalidRequest), "invalid_request");
  EXPECT_EQ(Name(Outcome::kOwnFault), "own_fault");
}

TEST(Why, EachHasANameThatReadsBackAndASentence) {
  std::set<std::string_view> names, sentences;
  for (int i = 0; i <= static_cast<int>(Why::kExpired); ++i) {
    auto why = static_cast<Why>(i);
    EXPECT_TRUE(names.insert(Name(why)).second) << Name(why);
    EXPECT_TRUE(sentences.insert(Describe(why)).second) << Describe(why);
    EXPECT_EQ(ParseWhy(Name(why)), why);
    EXPECT_TRUE(Describe(why).ends_with('.')) << Describe(why);
  }
  EXPECT_EQ(ParseWhy("because"), std::nullopt);
  EXPECT_EQ(Name(Why::kAttemptsExhausted), "attempts_exhausted");
  EXPECT_EQ(Name(Why::kEndpointDisabled), "endpoint_disabled");
  EXPECT_EQ(Name(Why::kDeleted), "deleted");
  EXPECT_EQ(Name(Why::kExpired), "expired");
}

}  // namespace
}  // namespace hook
