// What a test needs from the machine and may not find there: a tool on PATH, a browser, IPv6.
#pragma once

#include <gtest/gtest.h>

#include <string>

namespace testing_support {

// Whether RB_REQUIRE_ALL=1 is set, as CI does: then nothing may be skipped.
bool AllRequired();
// The full path of `tool`, looked for as a shell does; empty when there is none.
std::string FindTool(const std::string& tool);

}  // namespace testing_support

// Ends the test as skipped, saying why, unless `condition` holds; as failed when RB_REQUIRE_ALL=1 is set.
#define RB_SKIP_UNLESS(condition, why)                                                \
  do {                                                                                \
    if (!(condition)) {                                                               \
      if (::testing_support::AllRequired()) {                                         \
        FAIL() << "RB_REQUIRE_ALL is set, but this test would be skipped: " << (why); \
      }                                                                               \
      GTEST_SKIP() << (why);                                                          \
    }                                                                                 \
  } while (false)
