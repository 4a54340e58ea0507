#include "app/table.h"

#include <gtest/gtest.h>

namespace app {
namespace {

TEST(Table, AlignsColumnsByWhatIsSeen) {
  Table table({"ID", "NAME"});
  table.Add({"a", "plain"});
  table.Add({"日本", "wide"});
  table.Add({"e\u0301", "combining"});
  EXPECT_EQ(table.Text(),
            "ID    NAME\n"
            "a     plain\n"
            "日本  wide\n"
            "e\u0301     combining\n");
}

TEST(Table, TruncatesOnlyForPeople) {
  Table table({"LAST USED"}, 5);
  table.Add({"abcdefgh"});
  EXPECT_EQ(table.Text(), "LAST USED\nabcd…\n");
  EXPECT_EQ(table.Json(), "[\n  {\n    \"last-used\": \"abcdefgh\"\n  }\n]\n");
}

TEST(Table, CutsBetweenCharacters) {
  EXPECT_EQ(Truncated("日本語", 5), "日本…");
  EXPECT_EQ(Truncated("日本語", 4), "日…");
  EXPECT_EQ(Truncated("abc", 3), "abc");
}

}  // namespace
}  // namespace app
