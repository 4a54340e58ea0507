#include "base/utf8.h"

#include <gtest/gtest.h>

namespace base {
namespace {

TEST(Harmless, ShowsWhatATerminalWouldObey) {
  EXPECT_EQ(Harmless("a\x1b[31mb"), "a\\u{1b}[31mb");
  EXPECT_EQ(Harmless("x\ny\tz"), "x\\ny\\u{9}z");
  EXPECT_EQ(Harmless("\u202e"), "\\u{202e}");
  EXPECT_EQ(Harmless("\xff"), "\\xff");
  EXPECT_EQ(Harmless("grün ✓"), "grün ✓");
  EXPECT_EQ(HarmlessLines("x\ny\tz\r"), "x\ny\tz\\u{d}");
}

}  // namespace
}  // namespace base
