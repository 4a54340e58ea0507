#include "base/random.h"

#include <gtest/gtest.h>

#include <array>
#include <cctype>
#include <set>

namespace base {
namespace {

TEST(Random, SeededRepeatsFromItsSeed) {
  auto a = MakeSeededRandom(7);
  auto b = MakeSeededRandom(7);
  auto c = MakeSeededRandom(8);
  uint64_t first = a->Next();
  EXPECT_EQ(first, b->Next());
  EXPECT_NE(first, c->Next());
  EXPECT_NE(first, a->Next());
}

TEST(Random, SecureNeverRepeatsAndFillsEverySize) {
  auto random = MakeSecureRandom();
  std::set<uint64_t> seen;
  for (int i = 0; i < 5000; ++i) seen.insert(random->Next());
  EXPECT_EQ(seen.size(), 5000u);
  for (size_t size : {1u, 1024u, 1025u, 5000u, 100000u}) {
    std::string bytes(size + 1, '\0');
    random->Fill(bytes.data(), size);
    EXPECT_EQ(bytes[size], '\0');
    if (size >= 1024) {
      EXPECT_GT(std::set<char>(bytes.begin(), bytes.end()).size(), 200u) << size;
    }
  }
}

TEST(Random, FractionStaysBelowOne) {
  auto random = MakeSeededRandom(3);
  double sum = 0;
  for (int i = 0; i < 10000; ++i) {
    double f = random->Fraction();
    ASSERT_GE(f, 0.0);
    ASSERT_LT(f, 1.0);
    sum += f;
  }
  EXPECT_NEAR(sum / 10000, 0.5, 0.02);
}

TEST(Random, AlphanumericUsesItsAlphabetEvenly) {
  auto random = MakeSeededRandom(5);
  std::string text = random->Alphanumeric(62000);
  ASSERT_EQ(text.size(), 62000u);
  std::array<int, 256> counts{};
  for (unsigned char c : text) {
    ASSERT_TRUE(std::isalnum(c));
    ++counts[c];
  }
  // Expected 1000 each, with a standard deviation of 32; taking bytes modulo 62 would give 'A' to 'H' 1211 each.
  for (unsigned char c : std::string("ABCHIZaz09")) EXPECT_NEAR(counts[c], 1000, 150) << c;
}

}  // namespace
}  // namespace base
