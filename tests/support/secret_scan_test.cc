#include "support/secret_scan.h"

#include <gtest/gtest.h>

#include "base/hex.h"
#include "base/json.h"

namespace testing_support {
namespace {

constexpr std::string_view kSecret = "p\"ss/w+rd\\0123456789";

TEST(SecretScan, FindsAPlantedSecretInEveryForm) {
  EXPECT_EQ(FindSecret("x" + std::string(kSecret) + "y", kSecret), "plain");
  EXPECT_EQ(FindSecret("x" + base::FormatHex(kSecret) + "y", kSecret), "hex");
  for (const std::string before : {"", "a", "ab", "abc", "user:"}) {
    EXPECT_TRUE(FindSecret(base::FormatBase64(before + std::string(kSecret) + "tail"), kSecret)) << before;
    EXPECT_TRUE(FindSecret(base::FormatBase64Url(before + std::string(kSecret)), kSecret)) << before;
  }
  EXPECT_EQ(FindSecret(base::FormatJson(base::json::value(kSecret)), kSecret), "JSON-escaped");
  EXPECT_EQ(FindSecret("/?key=p%22ss%2Fw%2Brd%5C0123456789", kSecret), "percent-encoded");
}

TEST(SecretScan, DoesNotCryWolf) {
  EXPECT_FALSE(FindSecret("p\"ss/w+rd\\012345678", kSecret));
  EXPECT_FALSE(FindSecret("", kSecret));
}

}  // namespace
}  // namespace testing_support
