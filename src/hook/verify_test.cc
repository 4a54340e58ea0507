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

constexpr base::Micros kWindow = seconds(300);
constexpr base::Micros kAnyTime{0};

// A signed request that a test can spoil in one place.
struct Message {
  std::string key, body, id;
  Signatures s;
  base::WallTime now;

  std::string ScalrLines() const {
    return "Host: x\r\nDate: " + s.date + "\r\nX-Scalr-Delivery-Id: " + id + "\r\nX-Signature: " + s.x_signature +
           "\r\n";
  }
  std::string StandardLines() const {
    return "webhook-id: " + id + "\r\nwebhook-timestamp: " + s.webhook_timestamp +
           "\r\nwebhook-signature: " + s.webhook_signature + "\r\n";
  }
  Verdict Scalr(base::Micros window = kWindow) const {
    return VerifyScalr({Secret(key)}, ScalrLines(), body, now, window).verdict;
  }
  Verdict Standard(base::Micros window = kWindow) const {
    return VerifyStandardWebhooks({Secret(key)}, StandardLines(), body, now, window).verdict;
  }
};

Message Signed(const std::string& key = "auphee1ieshaeQu8") {
  Message m{key, R"({"message":"Updated instance\n"})", "wd-v00000000000001", {}, {}};
  m.now = *base::ParseTime("2020-11-25T00:43:38Z");
  m.s = Sign({Secret(key), std::nullopt}, m.id, m.now, m.body);
  return m;
}

template <class Check>
void ForEveryChangeOfOneByte(std::string& text, Check check) {
  const std::string whole = text;
  for (size_t i = 0; i < whole.size(); ++i) {
    for (int byte = 0; byte < 256; ++byte) {
      if (static_cast<char>(byte) == whole[i]) continue;
      text[i] = static_cast<char>(byte);
      check(i, byte);
    }
    text = whole;
    text.erase(i, 1);
    check(i, -1);
    text = whole;
    text.insert(i, 1, whole[i]);
    check(i, -2);
    text = whole;
  }
}

TEST(VerifyScalr, AcceptsTheVector) {
  Check check = VerifyScalr({Secret("auphee1ieshaeQu8")},
                            "Date: 2020-11-25T00:43:38+0000\r\n"
                            "X-Signature: 87516640f34fd43959e56cfb2a59dda114bba2d5f6135fc50ffc940aa7b3c934\r\n",
                            R"({"message":"Updated instance\n"})", *base::ParseTime("2020-11-25T00:45:00Z"), kWindow);
  EXPECT_EQ(check.verdict, Verdict::kValid) << check.detail;
  EXPECT_EQ(check.detail, "");
}

TEST(VerifyStandardWebhooks, AcceptsTheVector) {
  Check check = VerifyStandardWebhooks({Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")},
                                       "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek\r\n"
                                       "webhook-timestamp: 1614265330\r\n"
                                       "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=\r\n",
                                       R"({"test": 2432232314})", base::WallTime(seconds(1614265331)), kWindow);
  EXPECT_EQ(check.verdict, Verdict::kValid) << check.detail;
}

TEST(Verify, AcceptsWhatSignMakesWhateverTheBody) {
  for (const char* body : {"", "{}", "a", "2020-11-25T00:43:38+0000", "\xff\xfe"}) {
    for (const char* key : {"k", "auphee1ieshaeQu8", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_?"}) {
      Message m = Signed(key);
      m.body = body;
      m.s = Sign({Secret(key), std::nullopt}, m.id, m.now, m.body);
      EXPECT_EQ(m.Scalr(), Verdict::kValid);
      EXPECT_EQ(m.Standard(), Verdict::kValid);
    }
  }
}

TEST(Verify, RefusesEveryChangeOfOneByteOfTheBody) {
  Message m = Signed();
  ForEveryChangeOfOneByte(m.body, [&](size_t at, int byte) {
    EXPECT_EQ(m.Scalr(), Verdict::kWrongSignature) << at << " " << byte;
    EXPECT_EQ(m.Standard(), Verdict::kWrongSignature) << at << " " << byte;
  });
}

TEST(VerifyScalr, RefusesEveryChangeOfOneByteOfDateAndSignature) {
  Message m = Signed();
  for (std::string* text : {&m.s.date, &m.s.x_signature}) {
    ForEveryChangeOfOneByte(*text, [&](size_t at, int byte) {
      EXPECT_NE(m.Scalr(kAnyTime), Verdict::kValid) << *text << " " << at << " " << byte;
    });
  }
}

TEST(VerifyStandardWebhooks, RefusesEveryChangeOfOneByteOfIdTimestampAndSignature) {
  Message m = Signed();
  for (std::string* text : {&m.id, &m.s.webhook_timestamp, &m.s.webhook_signature}) {
    ForEveryChangeOfOneByte(*text, [&](size_t at, int byte) {
      EXPECT_NE(m.Standard(kAnyTime), Verdict::kValid) << *text << " " << at << " " << byte;
    });
  }
}

// Body and date are signed without anything between them, so the digest alone cannot tell where one ends.
TEST(VerifyScalr, RefusesBytesMovedBetweenBodyAndDate) {
  Message m = Signed();
  const std::string joined = m.body + m.s.date;
  const size_t border = m.body.size();
  for (size_t at = 0; at <= joined.size(); ++at) {
    m.body = joined.substr(0, at);
    m.s.date = joined.substr(at);
    EXPECT_EQ(m.Scalr(kAnyTime) == Verdict::kValid, at == border) << at;
  }
}

// Even a body that ends like a date cannot lend its end: 2020-11-25T00:43:38+0000 has one spelling and one length.
TEST(VerifyScalr, RefusesADateBorrowedFromTheBody) {
  Message m = Signed();
  m.body = R"({"a":1}2031-01-01T00:00:00+0000)";
  m.s = Sign({Secret(m.key), std::nullopt}, m.id, m.now, m.body);
  ASSERT_EQ(m.Scalr(), Verdict::kValid);
  m.s.date = m.body.substr(7) + m.s.date;
  m.body.resize(7);
  EXPECT_EQ(m.Scalr(kAnyTime), Verdict::kMalformedHeader);
}

TEST(VerifyStandardWebhooks, RefusesPartsMovedAcrossFullStops) {
  Message m = Signed();
  m.id = "a.5";  // signed as "a.5.<time>.<body>", which could be read as id "a" and time 5
  m.s = Sign({Secret(m.key), std::nullopt}, m.id, m.now, m.body);
  EXPECT_EQ(m.Standard(kAnyTime), Verdict::kMalformedHeader);
}

TEST(VerifyScalr, RefusesDatesInAnyOtherSpelling) {
  for (const char* date :
       {"2020-11-25T00:43:38Z", "2020-11-25T00:43:38+00:00", "2020-11-25T00:43:38.0+0000", "2020-11-25t00:43:38+0000",
        "2020-11-25T01:43:38+0100", "2020-11-25T00:43:38-0000", "2020-02-30T00:43:38+0000", "2020-11-25T24:00:00+0000",
        "2020-11-25T00:43:60+0000", "Wed, 25 Nov 2020 00:43:38 GMT", "2020-11-25", "x"}) {
    Message m = Signed();
    m.s.date = date;
    EXPECT_EQ(m.Scalr(kAnyTime), Verdict::kMalformedHeader) << date;
  }
}

TEST(Verify, NamesAMissingHeader) {
  Message m = Signed();
  std::string_view gone[] = {"Date: ", "X-Signature: "};
  for (std::string_view name : gone) {
    std::string lines = m.ScalrLines();
    lines.replace(lines.find(name), name.size(), "X-Other: ");
    Check check = VerifyScalr({Secret(m.key)}, lines, m.body, m.now, kWindow);
    EXPECT_EQ(check.verdict, Verdict::kMissingHeader);
    EXPECT_EQ(check.detail, std::string(name) + "missing");
  }
  for (std::string_view name : {"webhook-id: ", "webhook-timestamp: ", "webhook-signature: "}) {
    std::string lines = m.StandardLines();
    lines.replace(lines.find(name), name.size(), "X-Other: ");
    Check check = VerifyStandardWebhooks({Secret(m.key)}, lines, m.body, m.now, kWindow);
    EXPECT_EQ(check.verdict, Verdict::kMissingHeader);
    EXPECT_EQ(check.detail, std::string(name) + "missing");
  }
  EXPECT_EQ(VerifyScalr({Secret(m.key)}, "", m.body, m.now, kWindow).verdict, Verdict::kMissingHeader);
  EXPECT_EQ(VerifyStandardWebhooks({Secret(m.key)}, "", m.body, m.now, kWindow).verdict, Verdict::kMissingHeader);
}

TEST(Verify, RefusesAHeaderGivenTwiceEvenWithOneValue) {
  Message m = Signed();
  for (const std::string& twice : {"date: " + m.s.date, "x-signature: " + m.s.x_signature}) {
    Check check = VerifyScalr({Secret(m.key)}, m.ScalrLines() + twice + "\r\n", m.body, m.now, kWindow);
    EXPECT_EQ(check.verdict, Verdict::kMalformedHeader);
    EXPECT_THAT(check.detail, testing::HasSubstr("more than once"));
  }
  for (const std::string& twice : {"Webhook-Id: " + m.id, "WEBHOOK-TIMESTAMP: " + m.s.webhook_timestamp,
                                   "Webhook-Signature: " + m.s.webhook_signature}) {
    Check check = VerifyStandardWebhooks({Secret(m.key)}, m.StandardLines() + twice + "\r\n", m.body, m.now, kWindow);
    EXPECT_EQ(check.verdict, Verdict::kMalformedHeader);
  }
}

TEST(Verify, ReadsNamesWithoutCaseAndValuesWithoutBlanksAround) {
  Message m = Signed();
  std::string lines = "x-signature:\t" + m.s.x_signature + "  \r\nDATE:" + m.s.date + "\r\n";
  EXPECT_EQ(VerifyScalr({Secret(m.key)}, lines, m.body, m.now, kWindow).verdict, Verdict::kValid);
  lines = "X-Signature: " + m.s.x_signature + "\nDate: " + m.s.date;  // saved by hand
  EXPECT_EQ(VerifyScalr({Secret(m.key)}, lines, m.body, m.now, kWindow).verdict, Verdict::kValid);
}

TEST(Verify, RefusesSignaturesOfOtherLengthsAndAlphabets) {
  Message m = Signed();
  const std::string hex = m.s.x_signature;
  std::string upper = hex;
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  for (const std::string& text : {std::string(), hex.substr(0, 8), hex.substr(0, 62), hex + "00", hex + hex, upper,
                                  "sha256=" + hex, std::string(64, 'g'), hex.substr(0, 63) + " "}) {
    m.s.x_signature = text;
    EXPECT_EQ(m.Scalr(), Verdict::kMalformedHeader) << text;
  }
  const std::string v1 = m.s.webhook_signature;
  const std::string raw31 = "v1," + base::FormatBase64(std::string(31, 'x'));
  const std::string raw33 = "v1," + base::FormatBase64(std::string(33, 'x'));
  for (const std::string& text :
       {std::string(), std::string("v1,"), std::string("v1"), v1.substr(0, 8), v1.substr(0, v1.size() - 1), v1 + "=",
        raw31, raw33, v1.substr(3), "v1a" + v1.substr(2), "V1" + v1.substr(2), "v1, " + v1.substr(3), "v1," + hex,
        v1 + "," + v1, "v2," + v1.substr(3)}) {
    m.s.webhook_signature = text;
    EXPECT_EQ(m.Standard(), Verdict::kMalformedHeader) << text;
  }
}

TEST(VerifyStandardWebhooks, OneFittingEntryAmongOthersIsEnough) {
  Message m = Signed();
  const std::string good = m.s.webhook_signature;
  const std::string other = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc=";
  for (const std::string& text : {other + " v2,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= " + good + " " + other,
                                  "v1a,xyz " + good, good + " v1,", "v1,??? " + good, "  " + good + " "}) {
    m.s.webhook_signature = text;
    EXPECT_EQ(m.Standard(), Verdict::kValid) << text;
  }
  m.s.webhook_signature = other + " v2," + good.substr(3);
  EXPECT_EQ(m.Standard(), Verdict::kWrongSignature);
}

TEST(VerifyStandardWebhooks, RefusesTimestampsInAnyOtherSpelling) {
  for (const char* text : {"hello", "-1", "+1606265018", "01606265018", "1606265018.0", "1.6e9", "0x5fbda8fa",
                           "99999999999999999999", "1606265018 1", "253402300800000"}) {
    Message m = Signed();
    m.s.webhook_timestamp = text;
    EXPECT_EQ(m.Standard(kAnyTime), Verdict::kMalformedHeader) << text;
  }
}

TEST(Verify, TheWindowIsInclusiveOnBothSides) {
  Message m = Signed();
  const base::WallTime sent = m.now;
  const base::Micros tick(1);
  struct Case {
    base::Micros away;
    Verdict verdict;
  };
  for (Case c : {Case{kWindow, Verdict::kValid}, Case{kWindow + tick, Verdict::kTooOld},
                 Case{-kWindow, Verdict::kValid}, Case{-kWindow - tick, Verdict::kTooNew}}) {
    m.now = sent + c.away;
    EXPECT_EQ(m.Scalr(), c.verdict) << c.away.count();
    EXPECT_EQ(m.Standard(), c.verdict) << c.away.count();
    EXPECT_EQ(m.Scalr(kAnyTime), Verdict::kValid);
    EXPECT_EQ(m.Standard(kAnyTime), Verdict::kValid);
  }
}

TEST(Verify, OldAgeIsToldOfAuthenticRequestsOnly) {
  Message m = Signed();
  m.now += seconds(86400);
  EXPECT_EQ(m.Scalr(), Verdict::kTooOld);
  m.body += ' ';
  EXPECT_EQ(m.Scalr(), Verdict::kWrongSignature);
  EXPECT_EQ(m.Standard(), Verdict::kWrongSignature);
}

TEST(Verify, AnyOfTheKeysMayFitAndAnEmptyOneNeverDoes) {
  Message m = Signed();
  std::vector<Secret> both = {Secret("another"), Secret(m.key)};
  EXPECT_EQ(VerifyScalr(both, m.ScalrLines(), m.body, m.now, kWindow).verdict, Verdict::kValid);
  EXPECT_EQ(VerifyStandardWebhooks(both, m.StandardLines(), m.body, m.now, kWindow).verdict, Verdict::kValid);

  Message open = Signed("");  // anybody can sign with the empty secret
  for (const std::vector<Secret>& keys : {std::vector<Secret>{}, std::vector<Secret>{Secret("")}}) {
    Check check = VerifyScalr(keys, open.ScalrLines(), open.body, open.now, kWindow);
    EXPECT_EQ(check.verdict, Verdict::kWrongSignature);
    EXPECT_THAT(check.detail, testing::HasSubstr("no secret"));
    EXPECT_EQ(VerifyStandardWebhooks(keys, open.StandardLines(), open.body, open.now, kWindow).verdict,
              Verdict::kWrongSignature);
  }
}

TEST(Verify, DuringARotationOldAndNewReceiversAccept) {
  Message m = Signed();
  m.s = Sign({Secret("new"), Secret("old")}, m.id, m.now, m.body);
  m.key = "old";
  EXPECT_EQ(m.Scalr(), Verdict::kValid);
  EXPECT_EQ(m.Standard(), Verdict::kValid);
  m.key = "new";
  EXPECT_EQ(m.Scalr(), Verdict::kWrongSignature);
  EXPECT_EQ(m.Standard(), Verdict::kValid);
}

TEST(Verify, WhsecFormOfASecretVerifiesTheStandardScheme) {
  Message m = Signed();
  m.key = FormatWhsec(Secret(m.key)).Reveal();
  EXPECT_EQ(m.Standard(), Verdict::kValid);
}

TEST(Verify, DetailsRepeatNeitherSecretsNorValues) {
  Message m = Signed();
  m.key = "wrong-SECRET";
  const std::string lines = "Date: EVIL\r\nX-Signature: EVIL\r\n";
  for (const std::string& detail : {VerifyScalr({Secret(m.key)}, m.ScalrLines(), m.body, m.now, kWindow).detail,
                                    VerifyScalr({Secret(m.key)}, lines, m.body, m.now, kWindow).detail}) {
    EXPECT_NE(detail, "");
    EXPECT_THAT(detail, testing::Not(testing::HasSubstr("SECRET")));
    EXPECT_THAT(detail, testing::Not(testing::HasSubstr("EVIL")));
  }
}

TEST(Verify, GarbageIsRefusedAndNeverRead) {
  auto random = base::MakeSeededRandom(7);
  const std::string alphabet = "dDaAtTeE:-xXsSigGnN\r\n\t webhook,v1=0123456789";
  for (int round = 0; round < 20'000; ++round) {
    std::string lines;
    for (uint64_t n = random->Next() % 80; n > 0; --n) lines += alphabet[random->Next() % alphabet.size()];
    EXPECT_NE(VerifyScalr({Secret("k")}, lines, "b", {}, kAnyTime).verdict, Verdict::kValid);
    EXPECT_NE(VerifyStandardWebhooks({Secret("k")}, lines, "b", {}, kAnyTime).verdict, Verdict::kValid);
  }
}

TEST(Verdict, HasNames) {
  EXPECT_EQ(Name(Verdict::kValid), "valid");
  EXPECT_EQ(Name(Verdict::kMissingHeader), "missing_header");
  EXPECT_EQ(Name(Verdict::kMalformedHeader), "malformed_header");
  EXPECT_EQ(Name(Verdict::kWrongSignature), "wrong_signature");
  EXPECT_EQ(Name(Verdict::kTooOld), "too_old");
  EXPECT_EQ(Name(Verdict::kTooNew), "too_new");
}

}  // namespace
}  // namespace hook
