#include "base/secret.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <new>
#include <type_traits>

namespace base {
namespace {

static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);

// Whether the object's own bytes, where short texts live, contain `text`.
bool Holds(const void* object, size_t size, const char* text) {
  return memmem(object, size, text, std::strlen(text)) != nullptr;
}

TEST(Secret, CopiesAndMoves) {
  Secret a(std::string("hunter2"));
  Secret b = a;
  EXPECT_EQ(b.Reveal(), "hunter2");
  Secret c = std::move(b);
  EXPECT_EQ(c.Reveal(), "hunter2");
  a = Secret(std::string("other"));
  c = a;
  EXPECT_EQ(c.Reveal(), "other");
  const Secret& same = c;
  c = same;
  EXPECT_EQ(c.Reveal(), "other");
  EXPECT_TRUE(Secret().empty());
}

TEST(Secret, LeavesNothingBehindWhenMovedFrom) {
  Secret from(std::string("hunter2"));
  ASSERT_TRUE(Holds(&from, sizeof(from), "hunter2"));
  Secret to = std::move(from);
  // NOLINTNEXTLINE(bugprone-use-after-move): what is left of it is the question.
  EXPECT_FALSE(Holds(&from, sizeof(from), "unter2"));
  EXPECT_EQ(to.Reveal(), "hunter2");
}

TEST(Secret, OverwritesItsBytesWhenItGoes) {
  alignas(Secret) unsigned char memory[sizeof(Secret)];
  auto* secret = new (memory) Secret(std::string("hunter2"));
  ASSERT_TRUE(Holds(memory, sizeof(memory), "hunter2"));
  secret->~Secret();
  EXPECT_FALSE(Holds(memory, sizeof(memory), "unter2"));
}

TEST(Secret, AssignmentOverwritesALongerPredecessor) {
  Secret secret(std::string("hunter2-long"));
  secret = Secret(std::string("x"));
  EXPECT_FALSE(Holds(&secret, sizeof(secret), "long"));
}

}  // namespace
}  // namespace base
