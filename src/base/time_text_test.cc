#include "base/time_text.h"

#include <gtest/gtest.h>

namespace base {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr WallTime kThen = FromMicros(1606265018'123456);  // date -u -d @1606265018: 2020-11-25 00:43:38

TEST(TimeText, WritesTheFourForms) {
  EXPECT_EQ(FormatDateHeader(kThen), "2020-11-25T00:43:38+0000");
  EXPECT_EQ(FormatNaive(kThen), "2020-11-25T00:43:38");
  EXPECT_EQ(FormatIso(kThen), "2020-11-25T00:43:38Z");
  EXPECT_EQ(FormatIsoMillis(kThen), "2020-11-25T00:43:38.123Z");
}

TEST(TimeText, WritesTheEdgesOfTheCalendar) {
  EXPECT_EQ(FormatIsoMillis(FromMicros(-1)), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(FormatIso(FromMicros(1709164800'000000)), "2024-02-29T00:00:00Z");
  EXPECT_EQ(FormatIso(WallTime::max()), "9999-12-31T23:59:59Z");
  EXPECT_EQ(FormatIsoMillis(WallTime::min()), "0000-01-01T00:00:00.000Z");
}

TEST(TimeText, ReadsRfc3339) {
  WallTime whole = FromMicros(1606265018'000000);
  for (const char* text : {"2020-11-25T00:43:38Z", "2020-11-25t00:43:38z", "2020-11-25T00:43:38+0000",
                           "2020-11-25T00:43:38-00:00", "2020-11-25T02:13:38+01:30", "2020-11-24T23:43:38-0100"}) {
    EXPECT_EQ(ParseTime(text), whole) << text;
  }
  EXPECT_EQ(ParseTime("2020-11-25T00:43:38.123456Z"), kThen);
  EXPECT_EQ(ParseTime("2020-11-25T00:43:38.1234569999Z"), kThen);
  EXPECT_EQ(ParseTime("2020-11-25T00:43:38.5Z"), whole + milliseconds(500));
}

TEST(TimeText, RefusesWhatIsNoTime) {
  for (const char* bad :
       {"", "2020-11-25", "2020-11-25T00:43:38", "2020-11-25 00:43:38Z", "2020-11-31T00:00:00Z", "2021-02-29T00:00:00Z",
        "2020-13-01T00:00:00Z", "2020-00-01T00:00:00Z", "2020-11-25T24:00:00Z", "2020-11-25T00:60:00Z",
        "2020-11-25T00:00:60Z", "2020-11-25T00:43:38.Z", "2020-11-25T00:43:38+1", "2020-11-25T00:43:38+24:00",
        "2020-11-25T00:43:38Zx", "+020-11-25T00:43:38Z", "2020-11-25T00:43:38ZZ", "20201125T004338Z"}) {
    EXPECT_FALSE(ParseTime(bad)) << bad;
  }
}

TEST(TimeText, RoundTripsThroughEveryDayOfFourYears) {
  for (int day = 0; day < 1500; ++day) {
    WallTime t = kThen + days(day) + hours(day % 24);
    EXPECT_EQ(ParseTime(FormatIsoMillis(t)), t - Micros(456));
  }
}

TEST(TimeText, WritesHttpDates) {
  EXPECT_EQ(FormatHttpDate(FromMicros(784111777'999999)), "Sun, 06 Nov 1994 08:49:37 GMT");
  for (int day = 0; day < 400; ++day) {
    WallTime t = kThen + days(day);
    EXPECT_EQ(ParseHttpDate(FormatHttpDate(t)), t - Micros(456) - milliseconds(123));
  }
}

TEST(TimeText, ReadsHttpDates) {
  EXPECT_EQ(ParseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT"), FromMicros(784111777'000000));
  for (const char* bad : {"Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37",
                          "Sun, 06 Nov 1994 08:49:37 UTC", "Xxx, 06 Nov 1994 08:49:37 GMT", "120", "",
                          "Sun, 31 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT "}) {
    EXPECT_FALSE(ParseHttpDate(bad)) << bad;
  }
}

TEST(Duration, ReadsOneNumberAndUnit) {
  EXPECT_EQ(ParseDuration("250ms"), milliseconds(250));
  EXPECT_EQ(ParseDuration("5s"), seconds(5));
  EXPECT_EQ(ParseDuration("90m"), minutes(90));
  EXPECT_EQ(ParseDuration("10h"), hours(10));
  EXPECT_EQ(ParseDuration("30d"), days(30));
  EXPECT_EQ(ParseDuration("0"), Micros(0));
  for (const char* bad : {"", "5", "s", "-5s", "5 s", "1.5s", "5x", "5sec", "00", "99999999999999999999s",
                          "9223372036854775807ms", "106751992d"}) {
    EXPECT_FALSE(ParseDuration(bad)) << bad;
  }
}

TEST(Duration, IsWrittenForPeople) {
  EXPECT_EQ(FormatDuration(Micros(0)), "0s");
  EXPECT_EQ(FormatDuration(Micros(250)), "250us");
  EXPECT_EQ(FormatDuration(milliseconds(340)), "340ms");
  EXPECT_EQ(FormatDuration(milliseconds(1500)), "1.5s");
  EXPECT_EQ(FormatDuration(seconds(5)), "5s");
  EXPECT_EQ(FormatDuration(seconds(90)), "1m 30s");
  EXPECT_EQ(FormatDuration(hours(2)), "2h");
  EXPECT_EQ(FormatDuration(hours(2) + seconds(5)), "2h");
  EXPECT_EQ(FormatDuration(days(1) + hours(4)), "1d 4h");
  EXPECT_EQ(FormatDuration(seconds(-90)), "-1m 30s");
  EXPECT_EQ(FormatDuration(Micros::min()), FormatDuration(-Micros::max()));
}

}  // namespace
}  // namespace base
