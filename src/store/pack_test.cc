#include "store/pack.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "store/bodies.h"

namespace store {
namespace {

const std::string kLines =
    "Host: 127.0.0.1:39999\r\nContent-Type: application/json\r\nContent-Length: 935\r\nDate: "
    "2026-11-25T00:43:38+0000\r\n"
    "X-Scalr-Delivery-Id: wd-v012ab4naaaa05\r\nX-Signature: "
    "87516640f34fd43959e56cfb2a59dda114bba2d5f6135fc50ffc940aa7b3c934\r\nwebhook-id: wd-v012ab4naaaa05\r\n";

std::string Back(PackKind kind, std::string_view text, std::string_view recall = {}) {
  auto back = Unpack(kind, Pack(kind, text, recall), recall);
  EXPECT_TRUE(back) << back.error().Text();
  return back ? *back : "";
}

TEST(Pack, GivesBackEveryByte) {
  auto random = base::MakeSeededRandom(7);
  for (size_t size : {0, 1, 3, 4, 15, 16, 255, 270, 271, 1000, 4095, 30'000, 70'000}) {
    std::string noise(size, '\0');
    random->Fill(noise.data(), size);
    EXPECT_EQ(Back(PackKind::kPayload, noise), noise) << size;
    const std::string same(size, 'x');
    EXPECT_EQ(Back(PackKind::kHeaders, same), same) << size;
  }
  EXPECT_EQ(Back(PackKind::kHeaders, kLines, "wd-v012ab4naaaa05"), kLines);
}

TEST(Pack, MixedTextComesBackForManySeeds) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    auto random = base::MakeSeededRandom(seed);
    std::string text;
    while (text.size() < 2000) {
      const size_t from = random->Next() % kLines.size();
      text += kLines.substr(from, random->Next() % 90);
      text += static_cast<char>(random->Next() & 255);
    }
    ASSERT_EQ(Back(PackKind::kHeaders, text), text) << seed;
    ASSERT_EQ(Back(PackKind::kPayload, text), text) << seed;
  }
}

TEST(Pack, HeaderLinesTakeHalf) {
  EXPECT_LT(Pack(PackKind::kHeaders, kLines, "wd-v012ab4naaaa05").size(), kLines.size() / 2);
}

TEST(Pack, NoiseGrowsByOneByteOnly) {
  auto random = base::MakeSeededRandom(3);
  std::string noise(500, '\0');
  random->Fill(noise.data(), noise.size());
  EXPECT_LE(Pack(PackKind::kPayload, noise).size(), noise.size() + 1);
}

TEST(Pack, DamagedBytesAreAnErrorOrAnotherTextButNeverACrash) {
  const std::string packed = Pack(PackKind::kHeaders, kLines);
  for (size_t at = 0; at < packed.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = packed;
      damaged[at] = static_cast<char>(damaged[at] ^ 1 << bit);
      auto back = Unpack(PackKind::kHeaders, damaged);
      if (!back) {
        EXPECT_EQ(back.error().code, base::Code::kCorrupt);
      }
    }
    auto cut = Unpack(PackKind::kHeaders, packed.substr(0, at));
    EXPECT_EQ(static_cast<bool>(cut), at == 0) << at;
  }
}

TEST(Pack, BodyIsHeadWebhookTail) {
  const hook::Payload payload{"{\"a\":1,\"webhook\":", ",\"b\":\"\\n\"}"};
  const base::WebhookId id{12345};
  auto body = UnpackBody(PackBody(payload), id, "n\"ame");
  ASSERT_TRUE(body);
  EXPECT_EQ(*body, payload.head + hook::RenderWebhookPart(id, "n\"ame") + payload.tail);
  EXPECT_FALSE(UnpackBody("abc", id, "n"));
}

}  // namespace
}  // namespace store
