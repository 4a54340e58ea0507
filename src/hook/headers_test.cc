#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hook/hook.h"

namespace hook {
namespace {

const Signatures kSignatures = {"2020-11-25T00:43:38+0000", "8751", "1606265018", "v1,abc="};

base::Result<std::string> Lines(const std::vector<CustomHeader>& custom, std::string_view host = "example.com:8080") {
  return FormatHeaderLines({host, 935, "wd-v00000000000001", &kSignatures, &custom});
}

TEST(HeaderLines, HaveAFixedOrderOursFirst) {
  auto lines = Lines({{"Authorization", "Bearer t", true}, {"X-Team", "platform \xC3\xA9", false}});
  ASSERT_TRUE(lines);
  EXPECT_THAT(*lines, testing::MatchesRegex("Host: example.com:8080\r\n"
                                            "Content-Type: application/json\r\n"
                                            "Content-Length: 935\r\n"
                                            "Date: 2020-11-25T00:43:38\\+0000\r\n"
                                            "X-Scalr-Delivery-Id: wd-v00000000000001\r\n"
                                            "X-Signature: 8751\r\n"
                                            "webhook-id: wd-v00000000000001\r\n"
                                            "webhook-timestamp: 1606265018\r\n"
                                            "webhook-signature: v1,abc=\r\n"
                                            "User-Agent: Runbell/[0-9.]+\r\n"
                                            "Accept-Encoding: identity\r\n"
                                            "Authorization: Bearer t\r\n"
                                            "X-Team: platform \xC3\xA9\r\n"));
}

TEST(HeaderLines, OneHeaderThatCannotBeSentStopsTheRequest) {
  auto lines = Lines({{"X-Good", "1", false}, {"X-Bad", "token\r\nX-Signature: forged", true}});
  ASSERT_FALSE(lines);
  EXPECT_EQ(lines.error().code, base::Code::kInvalid);
  EXPECT_THAT(lines.error().Text(), testing::HasSubstr("X-Bad"));
  EXPECT_THAT(lines.error().Text(), testing::Not(testing::HasSubstr("token")));
  EXPECT_FALSE(Lines({}, ""));
  EXPECT_FALSE(Lines({}, "example.com\r\nX-Injected: 1"));
}

TEST(CheckHeader, TakesTokensAndVisibleValues) {
  for (const char* name : {"A", "Authorization", "X-Team", "Content-Language", "Cookie", "Tea", "X-Scal", "X-Sign",
                           "Webhook", "Hostname", "Proxied", "!#$%&'*+-.^_`|~09"}) {
    EXPECT_TRUE(CheckHeader({name, "v", false})) << name;
  }
  EXPECT_TRUE(CheckHeader({"X-Empty", "", false}));
  EXPECT_TRUE(CheckHeader({"X-Long", std::string(4096, 'v'), false}));
  EXPECT_TRUE(CheckHeader({std::string(256, 'n'), "", false}));
}

TEST(CheckHeader, RefusesOursHopByHopAndExpectInAnySpelling) {
  constexpr std::string_view kReserved[] = {"Host",
                                            "Content-Type",
                                            "Content-Length",
                                            "Date",
                                            "User-Agent",
                                            "Accept-Encoding",
                                            "X-Scalr-Delivery-Id",
                                            "X-Scalr-Webhook-Id",
                                            "X-Scalr-",
                                            "X-Signature",
                                            "X-Signature-256",
                                            "webhook-id",
                                            "webhook-timestamp",
                                            "webhook-signature",
                                            "webhook-anything",
                                            "Connection",
                                            "Keep-Alive",
                                            "TE",
                                            "Trailer",
                                            "Transfer-Encoding",
                                            "Upgrade",
                                            "Proxy-Authorization",
                                            "Proxy-Connection",
                                            "Proxy-Authenticate",
                                            "Expect",
                                            "Content-Encoding",
                                            "Forwarded",
                                            "Content_Length",
                                            "Transfer_Encoding",
                                            "X_Scalr-Delivery_Id",
                                            "Webhook_Signature"};
  for (std::string_view reserved : kReserved) {
    std::string name(reserved);
    EXPECT_FALSE(CheckHeader({name, "v", false})) << name;
    for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    EXPECT_FALSE(CheckHeader({name, "v", false})) << name;
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    auto status = CheckHeader({name, "v", false});
    ASSERT_FALSE(status) << name;
    EXPECT_EQ(status.error().code, base::Code::kInvalid);
    EXPECT_EQ(status.error().where, "");
  }
}

TEST(CheckHeader, RefusesEveryByteThatIsNotAToken) {
  const std::string token = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (int byte = 0; byte < 256; ++byte) {
    std::string name = std::string("q") + static_cast<char>(byte) + "q";
    EXPECT_EQ(CheckHeader({name, "v", false}).has_value(), token.find(static_cast<char>(byte)) != std::string::npos)
        << byte;
  }
  EXPECT_FALSE(CheckHeader({"", "v", false}));
  EXPECT_FALSE(CheckHeader({std::string(257, 'n'), "v", false}));
}

TEST(CheckHeader, RefusesControlCharactersAndLongValues) {
  for (int byte = 0; byte < 256; ++byte) {
    std::string value = std::string("a") + static_cast<char>(byte) + "b";
    EXPECT_EQ(CheckHeader({"X-A", value, false}).has_value(), byte >= 0x20 && byte != 0x7f) << byte;
  }
  EXPECT_FALSE(CheckHeader({"X-A", std::string(4097, 'v'), false}));
}

TEST(IsSensitive, WhatIsSaidToBeAndWhatSoundsSo) {
  for (const char* name : {"Authorization", "Cookie", "X-Auth", "x-gitlab-TOKEN", "Secret", "X-Password", "X-ApiKey",
                           "Api-Key-Id", "X-Deploy-Key", "X-Session"}) {
    EXPECT_TRUE(IsSensitive({name, "v", false})) << name;
  }
  for (const char* name : {"X-Team", "Accept", "X", "X-Environment", "Ke-y"}) {
    EXPECT_FALSE(IsSensitive({name, "v", false})) << name;
    EXPECT_TRUE(IsSensitive({name, "v", true})) << name;
  }
}

TEST(HideCustomHeaderLines, KeepsWhatEveryRequestHas) {
  const std::vector<CustomHeader> custom = {{"X-Team", "blue", false}, {"Accept", "a/b", false}};
  const Signatures signatures{"date", "sig", "1", "v1,x"};
  const auto lines = FormatHeaderLines({"a.example", 2, "wd-1", &signatures, &custom});
  ASSERT_TRUE(lines);
  std::string expected = *lines;
  expected.replace(expected.find("blue"), 4, "(hidden)");
  expected.replace(expected.find("a/b"), 3, "(hidden)");
  EXPECT_EQ(HideCustomHeaderLines(*lines), expected);
}

TEST(RedactHeaderLines, HidesSensitiveValuesAndNothingElse) {
  std::vector<CustomHeader> custom = {
      {"Authorization", "Bearer s3cret", true}, {"X-Team", "platform", false}, {"x-key", "k: s3cret", true}};
  auto lines = Lines(custom);
  ASSERT_TRUE(lines);
  std::string redacted = RedactHeaderLines(*lines, custom);
  EXPECT_THAT(redacted, testing::Not(testing::HasSubstr("s3cret")));
  std::string expected = *lines;
  expected.replace(expected.find("Bearer s3cret"), 13, "(sensitive)");
  expected.replace(expected.find("k: s3cret"), 9, "(sensitive)");
  EXPECT_EQ(redacted, expected);
  EXPECT_EQ(RedactHeaderLines(*lines, {}), *lines);
}

TEST(RedactHeaderLines, HidesEveryLineOfASensitiveName) {
  std::vector<CustomHeader> custom = {{"X-Key", "one", false}, {"x-KEY", "two", true}};
  EXPECT_EQ(RedactHeaderLines("X-Key: one\r\nx-KEY: two\r\nOther: 3\r\n", custom),
            "X-Key: (sensitive)\r\nx-KEY: (sensitive)\r\nOther: 3\r\n");
  EXPECT_EQ(RedactHeaderLines("", custom), "");
}

}  // namespace
}  // namespace hook
