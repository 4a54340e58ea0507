#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace base {
namespace {

using testing::EndsWith;
using testing::MatchesRegex;

class LogTest : public testing::Test {
 protected:
  LogTest() {
    SetLogSink([this](std::string_view line) { lines_.emplace_back(line); });
  }
  ~LogTest() override {
    SetLogSink({});
    SetLogLevel(LogLevel::kInfo);
  }
  // The line's part after the value of `key`'s equals sign.
  std::string Shown(std::string value) {
    Log(LogLevel::kInfo, "m", {{"k", std::move(value)}});
    std::string line = lines_.back();
    return line.substr(line.find("k=") + 2);
  }
  std::vector<std::string> lines_;
};

TEST_F(LogTest, ALineIsTimeLevelMessageAndFields) {
  Log(LogLevel::kWarn, "endpoint paused", {{"endpoint", "ep-1"}, {"attempt", 3}, {"why", "too many requests"}});
  ASSERT_EQ(lines_.size(), 1u);
  EXPECT_THAT(lines_[0],
              MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z WARN  endpoint paused "
                           "endpoint=ep-1 attempt=3 why=\"too many requests\""));
}

TEST_F(LogTest, LevelsAreFiveWide) {
  SetLogLevel(LogLevel::kDebug);
  Log(LogLevel::kDebug, "a");
  Log(LogLevel::kInfo, "b");
  Log(LogLevel::kError, "c");
  EXPECT_THAT(lines_, testing::ElementsAre(EndsWith("Z DEBUG a"), EndsWith("Z INFO  b"), EndsWith("Z ERROR c")));
}

TEST_F(LogTest, LevelsBelowTheSetOneAreLeftOut) {
  Log(LogLevel::kDebug, "quiet");
  SetLogLevel(LogLevel::kError);
  Log(LogLevel::kWarn, "quiet too");
  EXPECT_TRUE(lines_.empty());
}

TEST_F(LogTest, ValuesCannotForgeLinesOrFields) {
  EXPECT_EQ(Shown("x"), "x");
  EXPECT_EQ(Shown(""), "\"\"");
  EXPECT_EQ(Shown("a b"), "\"a b\"");
  EXPECT_EQ(Shown("a=b"), "\"a=b\"");
  EXPECT_EQ(Shown("say \"hi\\\""), R"("say \"hi\\\"")");
  EXPECT_EQ(Shown("a\nlevel=ERROR"), R"("a\nlevel=ERROR")");
  EXPECT_EQ(Shown("\x1b[31m"), "\"\\u{1b}[31m\"");
  EXPECT_EQ(Shown("grün"), "\"grün\"");
  EXPECT_EQ(Shown("a\u202Eb\u2028c\u200Bd\uFEFF"), "\"a\\u{202e}b\\u{2028}c\\u{200b}d\\u{feff}\"");
  EXPECT_EQ(Shown("\xff\xc2\x85"), "\"\\xff\\u{85}\"");
}

TEST_F(LogTest, MessagesCannotForgeLinesEither) {
  Log(LogLevel::kInfo, "first\nsecond");
  EXPECT_THAT(lines_.back(), EndsWith("first\\nsecond"));
}

TEST(CheckDeathTest, ABrokenInvariantEndsTheProcessAndNamesIt) {
  EXPECT_DEATH(RB_CHECK(1 + 1 == 3), "check failed: 1 \\+ 1 == 3 \\(.*log_test.cc:");
}

}  // namespace
}  // namespace base
