#include "app/verification.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/crypto.h"
#include "base/hex.h"
#include "base/time_text.h"
#include "hook/hook.h"

namespace app {
namespace {

using testing::HasSubstr;
using testing::Not;

// The vector of docs/verifying-signatures.md.
constexpr std::string_view kSecret = "auphee1ieshaeQu8";
constexpr std::string_view kBody = R"({"message":"Updated instance\n"})";
constexpr std::string_view kHeaders =
    "Date: 2020-11-25T00:43:38+0000\n"
    "X-Signature: 87516640f34fd43959e56cfb2a59dda114bba2d5f6135fc50ffc940aa7b3c934\n"
    "webhook-id: wd-v00000000000001\n"
    "webhook-timestamp: 1606265018\n"
    "webhook-signature: v1,cqiH6DgzpZRNbFHpmDausByiYsKVgiBn9Fg8dYaOV4g=\n";

class VerificationTest : public testing::Test {
 protected:
  Verification Explain(std::string_view headers, std::string_view body, std::string_view secret,
                       base::Micros window = base::Micros(0)) {
    auto now = *base::ParseTime("2020-11-25T00:44:00Z");
    return ExplainVerification(
        {std::string(headers), std::string(body), base::Secret(std::string(secret)), now, window});
  }
  static std::string With(std::string_view what, std::string_view by) {
    std::string headers(kHeaders);
    size_t at = headers.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return headers.replace(at, what.size(), by);
  }
};

TEST_F(VerificationTest, ValidRequest) {
  auto result = Explain(kHeaders, kBody, kSecret);
  EXPECT_TRUE(result.valid);
  EXPECT_EQ(result.text, "X-Signature: valid\nwebhook-signature: valid\n");
}

TEST_F(VerificationTest, HeadersAsCurlAndTheApiShowThem) {
  std::string curl = "> POST /hook HTTP/1.1\r\n";
  std::string json = "{";
  for (size_t at = 0; at < kHeaders.size();) {
    size_t end = kHeaders.find('\n', at);
    std::string line(kHeaders.substr(at, end - at));
    size_t colon = line.find(": ");
    curl += "> " + line + "\r\n";
    json += (json.size() > 1 ? "," : "") + ("\"" + line.substr(0, colon) + "\":\"" + line.substr(colon + 2) + "\"");
    at = end + 1;
  }
  EXPECT_TRUE(Explain(curl, kBody, kSecret).valid);
  EXPECT_TRUE(Explain(json + "}", kBody, kSecret).valid);
}

struct AccidentRow {
  const char* name;
  std::string body, secret, says;
};

TEST_F(VerificationTest, AccidentsAreNamed) {
  std::string body(kBody), secret(kSecret);
  const AccidentRow rows[] = {
      {"newline at the end", body + "\n", secret, "newline at its end that was not sent"},
      {"CR LF at the end", body + "\r\n", secret, "newline at its end that was not sent"},
      {"written again", "{ \"message\": \"Updated instance\\n\" }\n", secret, "parsed and written again"},
      {"echo", "{\"message\":\"Updated instance\n\"}", secret, "became a newline"},
      {"secret with a newline", body, secret + "\n", "blanks or a newline around it"},
      {"quoted secret", body, "'" + secret + "'", "quotes around it"},
      {"whsec for X-Signature", body, "whsec_YXVwaGVlMWllc2hhZVF1OA==", "whsec_ spelling"},
  };
  for (const AccidentRow& row : rows) {
    auto result = Explain(kHeaders, row.body, row.secret);
    EXPECT_FALSE(result.valid) << row.name;
    EXPECT_THAT(result.text, HasSubstr(row.says)) << row.name;
    EXPECT_THAT(result.text, Not(HasSubstr(secret))) << row.name;
  }
}

TEST_F(VerificationTest, TwoAccidentsAtOnce) {
  auto result = Explain(kHeaders, std::string(kBody) + "\n", std::string(kSecret) + "\n");
  EXPECT_THAT(result.text, HasSubstr("Body: the file has a newline"));
  EXPECT_THAT(result.text, HasSubstr("Key: the secret has blanks"));
}

TEST_F(VerificationTest, RewrittenDate) {
  auto result = Explain(With("2020-11-25T00:43:38+0000", "Wed, 25 Nov 2020 00:43:38 GMT"), kBody, kSecret);
  EXPECT_FALSE(result.valid);
  EXPECT_THAT(result.text, HasSubstr("Date: the header was rewritten on its way"));
  EXPECT_THAT(result.text, HasSubstr("webhook-signature: valid"));
  EXPECT_THAT(result.text, HasSubstr("so body and secret are right"));
  // Another second altogether: the other header still tells.
  result = Explain(With("2020-11-25T00:43:38", "2020-11-25T00:43:41"), kBody, kSecret);
  EXPECT_THAT(result.text, HasSubstr("Date: the header was rewritten on its way"));
}

TEST_F(VerificationTest, WrongSecretHasNoExplanationButSaysWhereToLook) {
  auto result = Explain(kHeaders, kBody, "another secret");
  EXPECT_FALSE(result.valid);
  EXPECT_THAT(result.text, HasSubstr("X-Signature: NOT valid"));
  EXPECT_THAT(result.text, HasSubstr("another secret signed it"));
  EXPECT_THAT(result.text, HasSubstr("runbell delivery show"));
}

TEST_F(VerificationTest, MissingAndOddHeaders) {
  EXPECT_THAT(Explain("", kBody, kSecret).text, HasSubstr("no header lines"));
  EXPECT_THAT(Explain("Host: x\n", kBody, kSecret).text, HasSubstr("Neither X-Signature nor webhook-signature"));
  EXPECT_THAT(Explain(With("Date: 2020-11-25T00:43:38+0000\n", ""), kBody, kSecret).text,
              HasSubstr("Date: the header is missing"));
  EXPECT_THAT(Explain(With("87516640", "sha256=87516640"), kBody, kSecret).text, HasSubstr("nothing else"));
  EXPECT_THAT(Explain(kHeaders, kBody, "").text, HasSubstr("the secret is empty"));
}

TEST_F(VerificationTest, OlderProductsDigest) {
  std::string date = "2020-11-25T00:43:38+0000";
  std::string sha1 = base::FormatHex(base::Hmac(base::Digest::kSha1, kSecret, {kBody, date}));
  EXPECT_THAT(Explain("Date: " + date + "\nX-Signature: " + sha1 + "\n", kBody, kSecret).text, HasSubstr("HMAC-SHA1"));
}

TEST_F(VerificationTest, AgeCountsOnlyWithAWindow) {
  EXPECT_TRUE(Explain(kHeaders, kBody, kSecret, std::chrono::minutes(5)).valid);
  auto late = Explain(kHeaders, kBody, kSecret, std::chrono::seconds(5));
  EXPECT_FALSE(late.valid);
  EXPECT_THAT(late.text, HasSubstr("22s before now, 5s allowed"));
}

}  // namespace
}  // namespace app
