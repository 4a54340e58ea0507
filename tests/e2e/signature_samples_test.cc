// The samples of docs/verifying-signatures.md, run as their readers will run them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/hex.h"
#include "base/time_text.h"
#include "hook/hook.h"
#include "proc/proc.h"
#include "support/require.h"

namespace {

using base::Secret;

constexpr const char* kBody = R"({"message":"Updated instance\n"})";
constexpr const char* kSecret = "auphee1ieshaeQu8";
constexpr const char* kId = "wd-v00000000000001";

const std::filesystem::path kDocs = std::filesystem::path(RB_SOURCE_DIR) / "docs";

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

struct Sample {
  const char* tool;
  const char* file;
  const char* language;  // of its code block
};

struct Request {
  std::string secret = kSecret, body = kBody, lines;
  const char* tolerance = "0";
};

std::string Lines(const hook::Signatures& s, const std::string& id = kId) {
  return "Host: example.com\r\nDate: " + s.date + "\r\nX-Signature: " + s.x_signature + "\r\nwebhook-id: " + id +
         "\r\nwebhook-timestamp: " + s.webhook_timestamp + "\r\nwebhook-signature: " + s.webhook_signature + "\r\n";
}

// As of the documented vector's date.
Request Signed(const std::string& body = kBody, const std::string& secret = kSecret) {
  Request request;
  request.secret = secret;
  request.body = body;
  base::WallTime then = *base::ParseTime("2020-11-25T00:43:38Z");
  request.lines = Lines(hook::Sign({Secret(secret), std::nullopt}, kId, then, body));
  return request;
}

void Replace(std::string& text, std::string_view from, std::string_view to) {
  size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
}

class SignatureSamples : public testing::TestWithParam<Sample> {
 protected:
  void SetUp() override {
    RB_SKIP_UNLESS(proc::FindProgram(GetParam().tool), std::string("no ") + GetParam().tool + " on PATH");
    std::string pattern = testing::TempDir() + "samples.XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override {
    if (!directory_.empty()) std::filesystem::remove_all(directory_);
  }

  void Write(const char* name, const std::string& text) { std::ofstream(directory_ / name, std::ios::binary) << text; }

  proc::Finished Run(const char* scheme, const Request& request) {
    Write("headers", request.lines);
    Write("body", request.body);
    proc::Command command;
    command.argv = {GetParam().tool, kDocs / "samples" / GetParam().file, scheme, directory_ / "headers",
                    directory_ / "body"};
    command.extra_environment = {"WEBHOOK_SECRET=" + request.secret,
                                 std::string("WEBHOOK_TOLERANCE=") + request.tolerance};
    command.time_limit = std::chrono::seconds(60);
    auto finished = proc::Run(*clock_, command);
    EXPECT_TRUE(finished) << finished.error().Text();
    return finished ? *finished : proc::Finished{};
  }

  void ExpectValid(const char* scheme, const Request& request) {
    proc::Finished finished = Run(scheme, request);
    EXPECT_EQ(finished.exit.code, 0) << scheme << '\n' << finished.err;
    EXPECT_EQ(finished.out, "valid\n") << scheme;
  }
  void ExpectRefused(const char* scheme, const Request& request, const char* why) {
    proc::Finished finished = Run(scheme, request);
    EXPECT_EQ(finished.exit.code, 1) << scheme << '\n' << request.lines << request.body << finished.err;
    EXPECT_EQ(finished.out, "") << scheme;
    EXPECT_THAT(finished.err, testing::HasSubstr(why)) << scheme;
  }

  std::unique_ptr<base::Clock> clock_ = base::MakeRealClock();
  std::filesystem::path directory_;
};

TEST_P(SignatureSamples, AreInTheDocumentAsTheyAre) {
  std::string block =
      std::string("```") + GetParam().language + "\n" + ReadFile(kDocs / "samples" / GetParam().file) + "```\n";
  EXPECT_TRUE(ReadFile(kDocs / "verifying-signatures.md").find(block) != std::string::npos) << GetParam().file;
}

TEST_P(SignatureSamples, AcceptTheVectors) {
  Request request = Signed();
  EXPECT_THAT(request.lines, testing::HasSubstr("87516640f34fd43959e56cfb2a59dda114bba2d5f6135fc50ffc940aa7b3c934"));
  ExpectValid("scalr", request);
  ExpectValid("standard", request);

  Request standard;  // of the specification's own test suites
  standard.secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  standard.body = R"({"test": 2432232314})";
  standard.lines =
      "webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek\r\nwebhook-timestamp: 1614265330\r\n"
      "webhook-signature: v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= "
      "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=\r\n";
  ExpectValid("standard", standard);
}

TEST_P(SignatureSamples, AcceptBodiesThatAShellWouldSpoil) {
  constexpr char kSpoiled[] = "  a   b\\n\\\\ $(x) `y` * '\" \xFF\0\t\r\n\n";
  Request request = Signed(std::string(kSpoiled, sizeof kSpoiled - 1));
  ExpectValid("scalr", request);
  ExpectValid("standard", request);
  request = Signed("");
  ExpectValid("scalr", request);
  ExpectValid("standard", request);
}

TEST_P(SignatureSamples, AcceptAFreshRequestAndRefuseAnOldOne) {
  Request request;
  request.lines = Lines(hook::Sign({Secret(kSecret), std::nullopt}, kId, clock_->Now(), kBody));
  request.tolerance = "300";
  ExpectValid("scalr", request);
  ExpectValid("standard", request);

  for (auto away : {std::chrono::hours(-1), std::chrono::hours(1)}) {
    request.lines = Lines(hook::Sign({Secret(kSecret), std::nullopt}, kId, clock_->Now() + away, kBody));
    ExpectRefused("scalr", request, "seconds ago");
    ExpectRefused("standard", request, "seconds ago");
  }
}

TEST_P(SignatureSamples, RefuseAChangedBody) {
  for (const char* body : {"{\"message\":\"Updated instance\\n\"} ", "{\"message\":\"Updated instance\\n\"}\n",
                           "{\"message\":\"updated instance\\n\"}", "{\"message\":\"Updated instance\n\"}", ""}) {
    Request request = Signed();
    request.body = body;
    ExpectRefused("scalr", request, "does not fit");
    ExpectRefused("standard", request, "no signature fits");
  }
}

TEST_P(SignatureSamples, RefuseAChangedDateOrId) {
  Request request = Signed();
  Replace(request.lines, "00:43:38", "00:43:39");
  ExpectRefused("scalr", request, "does not fit");
  Replace(request.lines, "1606265018", "1606265019");
  ExpectRefused("standard", request, "no signature fits");
  request = Signed();
  Replace(request.lines, kId, "wd-v00000000000002");
  ExpectRefused("standard", request, "no signature fits");
}

TEST_P(SignatureSamples, RefuseAnotherSecretAndNone) {
  Request request = Signed();
  request.secret = "another";
  ExpectRefused("scalr", request, "does not fit");
  ExpectRefused("standard", request, "no signature fits");
  request = Signed(kBody, "");
  EXPECT_EQ(Run("scalr", request).exit.code, 2);
  EXPECT_EQ(Run("standard", request).exit.code, 2);
}

TEST_P(SignatureSamples, RefuseBytesMovedBetweenBodyAndDate) {
  Request request = Signed();
  request.body.pop_back();
  Replace(request.lines, "Date: ", "Date: }");
  ExpectRefused("scalr", request, "the date is malformed");
  request = Signed();
  request.body += '2';
  Replace(request.lines, "Date: 2", "Date: ");
  ExpectRefused("scalr", request, "the date is malformed");
}

TEST_P(SignatureSamples, RefuseADayThatDoesNotExistThoughItIsSigned) {
  Request request;
  std::string date = "2020-02-30T00:43:38+0000";
  request.lines = "Date: " + date + "\r\nX-Signature: ";
  request.lines += base::FormatHex(base::Hmac(base::Digest::kSha256, kSecret, {kBody, date})) + "\r\n";
  ExpectRefused("scalr", request, "no such date");
}

TEST_P(SignatureSamples, RefuseMissingRepeatedAndMalformedHeaders) {
  Request request = Signed();
  request.lines = "Host: example.com\r\n";
  ExpectRefused("scalr", request, "not there exactly once");
  ExpectRefused("standard", request, "not there exactly once");
  request = Signed();
  request.lines += "date: 2020-11-25T00:43:38+0000\r\nWebhook-Id: " + std::string(kId) + "\r\n";
  ExpectRefused("scalr", request, "date is not there exactly once");
  ExpectRefused("standard", request, "webhook-id is not there exactly once");
  request = Signed();
  Replace(request.lines, "webhook-timestamp: ", "webhook-timestamp: 0");
  ExpectRefused("standard", request, "the timestamp is malformed");
  request = Signed();
  Replace(request.lines, "v1,", "v2,");
  ExpectRefused("standard", request, "no signature fits");
}

TEST_P(SignatureSamples, AcceptBothSecretsWhileARotationOverlaps) {
  Request request;
  base::WallTime then = *base::ParseTime("2020-11-25T00:43:38Z");
  request.lines = Lines(hook::Sign({Secret("new"), Secret("old")}, kId, then, kBody));
  request.secret = "old";
  ExpectValid("scalr", request);
  ExpectValid("standard", request);
  request.secret = "new";
  ExpectRefused("scalr", request, "does not fit");
  ExpectValid("standard", request);
  request.secret = hook::FormatWhsec(Secret("new")).Reveal();
  ExpectValid("standard", request);
}

TEST(SignatureDocument, ShowsTheVectorThatWeSend) {
  const std::string document = ReadFile(kDocs / "verifying-signatures.md");
  hook::Signatures s =
      hook::Sign({Secret(kSecret), std::nullopt}, kId, *base::ParseTime("2020-11-25T00:43:38Z"), kBody);
  for (const std::string& text :
       {std::string(kSecret), std::string(kBody), std::string(kId), s.date, s.x_signature, s.webhook_timestamp,
        s.webhook_signature, hook::FormatWhsec(Secret(kSecret)).Reveal()}) {
    EXPECT_THAT(document, testing::HasSubstr("`" + text + "`"));
  }
}

INSTANTIATE_TEST_SUITE_P(, SignatureSamples,
                         testing::Values(Sample{"bash", "verify.sh", "bash"}, Sample{"python3", "verify.py", "python"},
                                         Sample{"node", "verify.mjs", "js"}),
                         [](const auto& info) { return std::string(info.param.tool); });

}  // namespace
