#include "base/crypto.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "base/hex.h"

namespace base {
namespace {

std::string HmacHex(Digest digest, std::string_view key, std::string_view text) {
  return FormatHex(Hmac(digest, key, {text}));
}

TEST(Sha256, VectorsOfFips180) {
  EXPECT_EQ(FormatHex(Sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(FormatHex(Sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Hmac, VectorsOfRfc4231And2202) {
  std::string key(20, '\x0b');
  EXPECT_EQ(HmacHex(Digest::kSha256, key, "Hi There"),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(HmacHex(Digest::kSha512, key, "Hi There"),
            "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
            "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854");
  EXPECT_EQ(HmacHex(Digest::kSha1, key, "Hi There"), "b617318655057264e28bc0b6fb378c8ef146be00");
  EXPECT_EQ(
      HmacHex(Digest::kSha256, std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First"),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Hmac, AnEmptyKeyIsAKey) {
  HmacHex(Digest::kSha256, "another key before", "x");
  EXPECT_EQ(HmacHex(Digest::kSha256, "", ""), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Hmac, PartsAreConcatenated) {
  EXPECT_EQ(Hmac(Digest::kSha256, "k", {"ab", "", "c"}), Hmac(Digest::kSha256, "k", {"abc"}));
}

TEST(Hmac, ThreadsDoNotDisturbEachOther) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      std::string key = std::to_string(t);
      std::string first = Hmac(Digest::kSha256, key, {"text"});
      for (int i = 0; i < 500; ++i) ASSERT_EQ(Hmac(Digest::kSha256, key, {"text"}), first);
    });
  }
  for (auto& thread : threads) thread.join();
}

TEST(ConstantTimeEqual, ComparesAllBytes) {
  EXPECT_TRUE(ConstantTimeEqual("", ""));
  EXPECT_TRUE(ConstantTimeEqual("abc", "abc"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "abd"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "ab"));
}

class Sealing : public ::testing::Test {
 protected:
  std::unique_ptr<Random> random_ = MakeSeededRandom(1);
  Secret key_{std::string(kSealKeyBytes, 'k')};
};

TEST_F(Sealing, OpensWhatItSealed) {
  for (const std::string& plain : {std::string(), std::string("s3cret"), std::string(10000, 'x')}) {
    std::string sealed = Seal(key_, "endpoint 1", plain, *random_);
    EXPECT_EQ(sealed.size(), 12 + plain.size() + 16);
    auto opened = Unseal(key_, "endpoint 1", sealed);
    ASSERT_TRUE(opened);
    EXPECT_EQ(opened->Reveal(), plain);
  }
}

TEST_F(Sealing, EachSealingDiffers) { EXPECT_NE(Seal(key_, "b", "same", *random_), Seal(key_, "b", "same", *random_)); }

TEST_F(Sealing, RefusesAnotherKeyAnotherPlaceAndEveryChangedByte) {
  std::string sealed = Seal(key_, "row 1", "s3cret", *random_);
  EXPECT_EQ(Unseal(Secret(std::string(kSealKeyBytes, 'x')), "row 1", sealed).error().code, Code::kCorrupt);
  EXPECT_FALSE(Unseal(key_, "row 2", sealed));
  for (size_t i = 0; i < sealed.size(); ++i) {
    std::string changed = sealed;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(Unseal(key_, "row 1", changed)) << i;
    EXPECT_FALSE(Unseal(key_, "row 1", sealed.substr(0, i))) << i;
  }
}

}  // namespace
}  // namespace base
