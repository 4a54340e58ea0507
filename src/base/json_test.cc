#include "base/json.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace base {
namespace {

json::value Parsed(std::string_view text) { return *ParseJson(text); }

TEST(Json, KeepsTheOrderOfKeys) {
  EXPECT_EQ(FormatJson(Parsed(R"( {"b": 1, "a": [true, null, "x\n"], "c": {}} )")),
            R"({"b":1,"a":[true,null,"x\n"],"c":{}})");
}

TEST(Json, ErrorsNameTheByte) {
  struct Row {
    std::string text;
    const char* expected;
  };
  const Row rows[] = {{"", "at byte 0"},
                      {"{\"a\":}", "at byte 5"},
                      {"[1,2", "at byte 4"},
                      {"{} x", "at byte 3"},
                      {"\xEF\xBB\xBF{}", "at byte 0"},
                      {"\"\xff\"", "at byte 1"},
                      {"\"a\nb\"", "at byte 2"},
                      {"nul", "at byte 3"}};
  for (const Row& row : rows) {
    auto result = ParseJson(row.text);
    ASSERT_FALSE(result) << row.text;
    EXPECT_EQ(result.error().code, Code::kInvalid);
    EXPECT_NE(result.error().message.find(row.expected), std::string::npos)
        << row.text << ": " << result.error().Text();
  }
}

TEST(Json, RefusesBadUtf8AndLoneSurrogates) {
  for (const char* bad :
       {"\"\xc0\xaf\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", R"("\ud800")", R"("\udc00\ud800")"}) {
    EXPECT_FALSE(ParseJson(bad)) << bad;
  }
}

TEST(Json, RefusesTooDeepNesting) {
  auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(ParseJson(nested(32)));
  auto result = ParseJson(nested(33));
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("more than 32 levels"), std::string::npos) << result.error().message;
  EXPECT_FALSE(ParseJson(std::string(1000000, '[')));
}

TEST(Json, RefusesNumbersThatCouldNotBeWrittenBack) {
  for (const char* bad : {"1e400", "[{\"a\": -2e308}]", "1e99999999999", "0e333"}) EXPECT_FALSE(ParseJson(bad)) << bad;
  EXPECT_EQ(FormatJson(Parsed("[1.5,-9223372036854775808,18446744073709551615]")),
            "[1.5E0,-9223372036854775808,18446744073709551615]");
}

TEST(Json, PrettyFormIsTheSameValue) {
  json::value value = Parsed(R"({"b":1,"a":[true,{"x":[]}],"c":{},"d":"q\"q"})");
  std::string pretty = FormatJsonPretty(value);
  EXPECT_EQ(pretty,
            "{\n  \"b\": 1,\n  \"a\": [\n    true,\n    {\n      \"x\": []\n    }\n  ],\n  \"c\": {},\n"
            "  \"d\": \"q\\\"q\"\n}");
  EXPECT_EQ(Parsed(pretty), value);
}

TEST(JsonString, EscapesWhatItMustAndReplacesBadBytes) {
  std::string out = "x";
  AppendJsonString(out, "Updated instance\n");
  EXPECT_EQ(out, R"(x"Updated instance\n")");
  out.clear();
  AppendJsonString(out, std::string_view("\"\\\b\f\r\t\x01\x1f\x00\x7f/é😀", 17));
  EXPECT_EQ(out, "\"\\\"\\\\\\b\\f\\r\\t\\u0001\\u001f\\u0000\x7f/é😀\"");
  out.clear();
  AppendJsonString(out, "a\xff\xc3");
  EXPECT_EQ(out, "\"a\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST(JsonString, AnyBytesGiveValidJson) {
  auto random = MakeSeededRandom(9);
  for (int i = 0; i < 500; ++i) {
    std::string bytes(static_cast<size_t>(i) % 40, '\0');
    random->Fill(bytes.data(), bytes.size());
    std::string out;
    AppendJsonString(out, bytes);
    auto parsed = ParseJson(out);
    ASSERT_TRUE(parsed) << i;
    if (IsUtf8(bytes)) {
      EXPECT_EQ(parsed->as_string(), json::string_view(bytes));
    }
  }
}

TEST(Json, AccessorsTellMissingFromPresent) {
  json::value value = Parsed(R"({"data":{"name":"n","count":7,"big":18446744073709551615,"on":true,"none":null}})");
  EXPECT_EQ(StringAt(value, {"data", "name"}), "n");
  EXPECT_EQ(IntAt(value, {"data", "count"}), 7);
  EXPECT_EQ(BoolAt(value, {"data", "on"}), true);
  EXPECT_FALSE(IntAt(value, {"data", "big"}));
  EXPECT_FALSE(IntAt(value, {"data", "name"}));
  EXPECT_FALSE(StringAt(value, {"data", "none"}));
  EXPECT_FALSE(StringAt(value, {"data", "name", "deeper"}));
  EXPECT_EQ(At(value, {"elsewhere"}), nullptr);
  EXPECT_TRUE(At(value, {"data", "none"})->is_null());
  EXPECT_EQ(At(value, {}), &value);
}

TEST(Utf8, IsStrict) {
  EXPECT_TRUE(IsUtf8("plain, é, €, 😀"));
  EXPECT_TRUE(IsUtf8(""));
  for (const char* bad : {"\x80", "\xc3", "\xc0\x80", "\xe0\x80\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80",
                          "\xf5\x80\x80\x80", "\xe2\x82", "\xe2\x28\xa1", "\xff"}) {
    EXPECT_FALSE(IsUtf8(bad));
  }
}

}  // namespace
}  // namespace base
