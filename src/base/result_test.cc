#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>

namespace base {
namespace {

Result<int> Half(int n) {
  if (n % 2 != 0) return Invalid("odd", "/n");
  return n / 2;
}

Result<int> Quarter(int n) {
  RB_ASSIGN(int half, Half(n));
  return Half(half);
}

Status Check(int n) {
  RB_TRY(Half(n));
  return {};
}

TEST(Result, HoldsAValueOrAnError) {
  EXPECT_EQ(*Half(4), 2);
  auto odd = Half(3);
  ASSERT_FALSE(odd);
  EXPECT_EQ(odd.error().code, Code::kInvalid);
  EXPECT_EQ(odd.error().Text(), "/n: odd");
}

TEST(Result, MacrosHandTheErrorUp) {
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_EQ(Quarter(6).error().message, "odd");
  EXPECT_TRUE(Check(2));
  EXPECT_EQ(Check(1).error().where, "/n");
}

TEST(Result, OutermostContextComesFirst) {
  EXPECT_EQ(Error(Code::kInternal, "disk full").In("store").In("claim").Text(), "claim: store: disk full");
}

TEST(Result, CarriesValuesThatOnlyMove) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(7));
  std::unique_ptr<int> taken = *std::move(result);
  EXPECT_EQ(*taken, 7);
}

TEST(ResultDeathTest, ReadingAMissingValueEndsTheProcess) { EXPECT_DEATH(*Half(1), ""); }

}  // namespace
}  // namespace base
