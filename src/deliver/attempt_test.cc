#include "deliver/attempt.h"

#include <gtest/gtest.h>

#include <set>

namespace deliver {
namespace {

using std::chrono::seconds;

constexpr base::WallTime kNow{seconds(1'606'264'978)};

store::Loaded SomeDelivery() {
  store::Loaded loaded;
  loaded.id = base::DeliveryId{42};
  loaded.endpoint = base::EndpointId{7};
  loaded.body = R"({"payload_version":1})";
  loaded.attempts_used = 1;
  loaded.attempts_made = 2;
  return loaded;
}

store::Target SomeTarget() {
  store::Target target;
  target.id = base::EndpointId{7};
  target.url = "https://hooks.example.com/in";
  target.keys.current = base::Secret("auphee1ieshaeQu8");
  return target;
}

net::SendResult Answered(int code, std::string header_lines = {}) {
  net::SendResult result;
  result.code = code;
  result.header_lines = std::move(header_lines);
  return result;
}

store::Attempt ConcludeWith(net::SendResult result) {
  return Conclude(SomeDelivery(), SomeTarget(), "Host: a\r\n", kNow, std::move(result), kNow, 0).attempt;
}

TEST(Attempt, RequestCarriesTheSignedHeadersForTheTimeOfThisAttempt) {
  const auto target = SomeTarget();
  const auto request = Prepare(SomeDelivery(), target, *net::ParseUrl(target.url), kNow, seconds(60));
  ASSERT_TRUE(request) << request.error().Text();
  EXPECT_EQ(net::FindHeader(request->header_lines, "host"), "hooks.example.com");
  EXPECT_EQ(net::FindHeader(request->header_lines, "date"), "2020-11-25T00:42:58+0000");
  EXPECT_EQ(net::FindHeader(request->header_lines, "x-scalr-delivery-id"), base::Format(base::DeliveryId{42}));
  EXPECT_EQ(hook::VerifyScalr({target.keys.current}, request->header_lines, request->body, kNow, seconds(1)).verdict,
            hook::Verdict::kValid);
}

TEST(Attempt, TimeoutZeroIsTheDefaultAndTheServersCapHolds) {
  auto target = SomeTarget();
  const auto timeout = [&](int timeout_s) {
    target.timeout_s = timeout_s;
    return Prepare(SomeDelivery(), target, *net::ParseUrl(target.url), kNow, seconds(60))->timeout;
  };
  EXPECT_EQ(timeout(0), seconds(15));
  EXPECT_EQ(timeout(5), seconds(5));
  EXPECT_EQ(timeout(31'536'000), seconds(60));
}

TEST(Attempt, AHeaderThatCannotBeSentIsRefusedBeforeAnythingIsSent) {
  auto target = SomeTarget();
  target.headers.push_back({"X-Team", "a\r\nX-Evil: 1", false});
  const auto request = Prepare(SomeDelivery(), target, *net::ParseUrl(target.url), kNow, seconds(60));
  ASSERT_FALSE(request);
  const auto attempt = Refuse(SomeDelivery(), target, request.error(), kNow).attempt;
  EXPECT_EQ(attempt.outcome, hook::Outcome::kInvalidRequest);
  EXPECT_EQ(attempt.decision.verb, hook::Verb::kGiveUp);
  EXPECT_EQ(attempt.number, 3);
}

TEST(Attempt, RetryAfterCountsForTooManyRequestsAndUnavailableOnly) {
  for (int code : {429, 503}) {
    const auto attempt = ConcludeWith(Answered(code, "Retry-After: 120\r\n"));
    EXPECT_EQ(attempt.decision.pause_endpoint, kNow + seconds(120)) << code;
  }
  EXPECT_FALSE(ConcludeWith(Answered(500, "Retry-After: 120\r\n")).decision.pause_endpoint);
}

TEST(Attempt, ASecretHeaderThatTheReceiverEchoesIsMasked) {
  auto target = SomeTarget();
  target.headers = {{"Authorization", "Bearer t0ken+t0ken", false}, {"X-Team", "blue", false}};
  auto result = Answered(500, "X-Echo: Bearer t0ken+t0ken\r\nX-Team: blue\r\n");
  result.body = R"({"got":"t0ken+t0ken","url":"?t=t0ken%2Bt0ken","team":"blue"})";
  const auto attempt = Conclude(SomeDelivery(), target, "Host: a\r\n", kNow, std::move(result), kNow, 0).attempt;
  EXPECT_EQ(attempt.response_headers, "X-Echo: (sensitive)\r\nX-Team: blue\r\n");
  EXPECT_EQ(attempt.response_body, R"x({"got":"(sensitive)","url":"?t=(sensitive)","team":"blue"})x");
}

TEST(Attempt, EveryFaultHasAnOutcomeOfItsOwn) {
  std::set<hook::Outcome> seen;
  for (int fault = 1; fault <= static_cast<int>(net::Fault::kOwnFault); ++fault) {
    net::SendResult result;
    result.fault = static_cast<net::Fault>(fault);
    EXPECT_TRUE(seen.insert(OutcomeOf(result)).second) << net::Name(result.fault);
  }
}

TEST(Attempt, KeepsWhatWasConnectedToAndWhyItWasRefused) {
  net::SendResult result;
  result.fault = net::Fault::kRefusedByGuard;
  result.refusal = net::Refusal::kLoopback;
  result.detail = "address refused";
  result.address = net::ParseAddress("::1");
  result.port = 9000;
  const auto attempt = ConcludeWith(result);
  EXPECT_EQ(attempt.address, "[::1]:9000");
  EXPECT_NE(attempt.detail.find("loopback"), std::string::npos) << attempt.detail;
  EXPECT_EQ(attempt.decision.why, hook::Why::kAddressRefused);
}

}  // namespace
}  // namespace deliver
