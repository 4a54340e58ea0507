#include "base/hex.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace base {
namespace {

using std::string_literals::operator""s;

TEST(Hex, WritesLowerCaseAndReadsEither) {
  EXPECT_EQ(FormatHex("\x00\x7f\xff"s), "007fff");
  EXPECT_EQ(ParseHex("007FfF"), "\x00\x7f\xff"s);
  EXPECT_EQ(ParseHex(""), "");
}

TEST(Hex, RefusesWhatIsNotHex) {
  for (const char* bad : {"0", "0g", "zz", "0x00", " 00", "0 "}) EXPECT_FALSE(ParseHex(bad)) << bad;
}

TEST(Base64, VectorsOfRfc4648) {
  struct Row {
    const char* plain;
    const char* coded;
  };
  const Row rows[] = {{"", ""},
                      {"f", "Zg=="},
                      {"fo", "Zm8="},
                      {"foo", "Zm9v"},
                      {"foob", "Zm9vYg=="},
                      {"fooba", "Zm9vYmE="},
                      {"foobar", "Zm9vYmFy"}};
  for (const Row& row : rows) {
    EXPECT_EQ(FormatBase64(row.plain), row.coded);
    EXPECT_EQ(ParseBase64(row.coded), row.plain);
  }
}

TEST(Base64, UrlFormHasItsOwnDigitsAndNoPadding) {
  EXPECT_EQ(FormatBase64("\xfb\xff"), "+/8=");
  EXPECT_EQ(FormatBase64Url("\xfb\xff"), "-_8");
}

TEST(Base64, RefusesWhatIsNotTheOneTextOfAValue) {
  for (const char* bad : {"Zg", "Zg=", "Zg===", "Z===", "====", "Zh==", "Zm9=", "Zm 9", "Zm9v\n", "-_8=", "Zg==Zg=="}) {
    EXPECT_FALSE(ParseBase64(bad)) << bad;
  }
}

TEST(Base64, RoundTripsEveryLength) {
  auto random = MakeSeededRandom(1);
  for (size_t size = 0; size < 200; ++size) {
    std::string bytes(size, '\0');
    random->Fill(bytes.data(), size);
    EXPECT_EQ(ParseBase64(FormatBase64(bytes)), bytes);
    EXPECT_EQ(ParseHex(FormatHex(bytes)), bytes);
  }
}

}  // namespace
}  // namespace base
