#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hex.h"
#include "base/random.h"
#include "base/time_text.h"
#include "hook/hook.h"

namespace hook {
namespace {

using base::Secret;
using std::chrono::seconds;

const std::string kBody = R"({"message":"Updated instance\n"})";
const std::string kKey = "auphee1ieshaeQu8";
const base::WallTime kNow = *base::ParseTime("2020-11-25T00:43:38Z");

// Of the specification's own test suites.
const std::string kStandardSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const std::string kStandardId = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const std::string kStandardBody = R"({"test": 2432232314})";
const base::WallTime kStandardTime{seconds(1614265330)};
const std::string kStandardSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

SigningKeys Keys(const std::string& current) { return {Secret(current), std::nullopt}; }
SigningKeys Keys(const std::string& current, const std::string& previous) {
  return {Secret(current), Secret(previous)};
}

TEST(Sign, ScalrVector) {
  Signatures s = Sign(Keys(kKey), "wd-1", kNow, kBody);
  EXPECT_EQ(s.date, "2020-11-25T00:43:38+0000");
  EXPECT_EQ(s.x_signature, "87516640f34fd43959e56cfb2a59dda114bba2d5f6135fc50ffc940aa7b3c934");
}

TEST(Sign, StandardWebhooksVector) {
  Signatures s = Sign(Keys(kStandardSecret), kStandardId, kStandardTime, kStandardBody);
  EXPECT_EQ(s.webhook_timestamp, "1614265330");
  EXPECT_EQ(s.webhook_signature, kStandardSignature);
}

TEST(Sign, BothSchemesTellTheSameSecondEvenJustBeforeTheNext) {
  Signatures s = Sign(Keys(kKey), "wd-1", kNow + base::Micros(999'999), kBody);
  EXPECT_EQ(s.date, "2020-11-25T00:43:38+0000");
  EXPECT_EQ(s.webhook_timestamp, "1606265018");
}

TEST(Sign, EachAttemptIsSignedFreshUnderTheSameId) {
  Signatures first = Sign(Keys(kKey), "wd-1", kNow, kBody);
  Signatures second = Sign(Keys(kKey), "wd-1", kNow + seconds(5), kBody);
  EXPECT_NE(first.x_signature, second.x_signature);
  EXPECT_NE(first.webhook_signature, second.webhook_signature);
}

TEST(Sign, DuringARotationScalrsHeaderKeepsTheOldSecretAndTheStandardOneCarriesBoth) {
  Signatures before = Sign(Keys("old"), "wd-1", kNow, kBody);
  Signatures after = Sign(Keys("new"), "wd-1", kNow, kBody);
  Signatures overlap = Sign(Keys("new", "old"), "wd-1", kNow, kBody);
  EXPECT_EQ(overlap.x_signature, before.x_signature);
  EXPECT_NE(overlap.x_signature, after.x_signature);
  EXPECT_EQ(overlap.webhook_signature, after.webhook_signature + " " + before.webhook_signature);
}

TEST(StandardWebhooksKey, IsTheTextUnlessItIsAWhsecText) {
  EXPECT_EQ(StandardWebhooksKey(Secret(kKey)), kKey);
  EXPECT_EQ(base::FormatBase64(StandardWebhooksKey(Secret(kStandardSecret))), kStandardSecret.substr(6));
  for (const char* text : {"whsec_", "whsec_not base64!", "whsec_AAA", "WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}) {
    EXPECT_EQ(StandardWebhooksKey(Secret(text)), text);
  }
}

TEST(FormatWhsec, GivesReceiversTheKeyThatWeSignWith) {
  EXPECT_EQ(FormatWhsec(Secret(kKey)).Reveal(), "whsec_YXVwaGVlMWllc2hhZVF1OA==");
  EXPECT_EQ(FormatWhsec(Secret(kStandardSecret)).Reveal(), kStandardSecret);
  for (const char* text : {"auphee1ieshaeQu8", "whsec_", "whsec_!", "", "\xff\xfe"}) {
    if (!*text) continue;
    Secret secret{std::string(text)};
    EXPECT_EQ(StandardWebhooksKey(FormatWhsec(secret)), StandardWebhooksKey(secret)) << text;
  }
}

TEST(MakeSecret, Is32LettersAndDigitsAndNeverTheSame) {
  auto random = base::MakeSeededRandom(1);
  Secret a = MakeSecret(*random), b = MakeSecret(*random);
  EXPECT_NE(a.Reveal(), b.Reveal());
  EXPECT_EQ(a.Reveal().size(), 32U);
  EXPECT_EQ(a.Reveal().find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"),
            std::string::npos);
}

}  // namespace
}  // namespace hook
