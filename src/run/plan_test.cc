#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/hex.h"
#include "base/utf8.h"
#include "run/run.h"

namespace run {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

PlanSummary Summarize(std::string_view text) {
  auto plan = base::ParseJson(text, 128);
  if (!plan) {
    ADD_FAILURE() << plan.error().message;
    return {};
  }
  auto summary = SummarizePlan(*plan);
  if (!summary) {
    ADD_FAILURE() << summary.error().message;
    return {};
  }
  return *std::move(summary);
}

std::vector<std::string> Changes(const PlanSummary& plan) {
  std::vector<std::string> out;
  for (const auto& change : plan.changes) out.push_back(change.action + " " + change.address);
  return out;
}

SensitiveValues Sensitive(std::vector<std::string> values) { return {.values = std::move(values), .too_short = {}}; }

TEST(Plan, ARealPlanIsCountedAndItsSecretFound) {
  std::ifstream file(RB_SOURCE_DIR "/tests/data/terraform-streams/plan-changes.show.json");
  std::stringstream all;
  all << file.rdbuf();
  auto plan = Summarize(all.str());
  EXPECT_EQ(plan.counts, (Counts{.add = 2}));
  EXPECT_TRUE(plan.has_changes);
  EXPECT_THAT(Changes(plan), ElementsAre("create terraform_data.web[0]", "create terraform_data.web[1]"));
  EXPECT_THAT(plan.sensitive.values, ElementsAre("hunter2"));
  EXPECT_THAT(plan.sensitive.too_short, IsEmpty());
}

TEST(Plan, EveryKindOfChangeIsCounted) {
  auto plan = Summarize(R"({"format_version":"1.2","resource_changes":[
    {"address":"a","change":{"actions":["create"]}},
    {"address":"b","change":{"actions":["update"]}},
    {"address":"c","change":{"actions":["delete"]}},
    {"address":"d","change":{"actions":["delete","create"]}},
    {"address":"e","change":{"actions":["create","delete"]}},
    {"address":"f","change":{"actions":["read"]}},
    {"address":"g","change":{"actions":["forget"]}},
    {"address":"h","change":{"actions":["no-op"]}},
    {"address":"i","previous_address":"old","change":{"actions":["no-op"]}},
    {"address":"j","change":{"actions":["no-op"],"importing":{"id":"x"}}},
    {"address":"k","change":{"actions":["update"],"importing":{"id":"y"}}}]})");
  EXPECT_EQ(plan.counts, (Counts{.add = 3, .change = 2, .destroy = 3, .import = 2}));
  EXPECT_THAT(Changes(plan), ElementsAre("create a", "update b", "delete c", "replace d", "replace e", "read f",
                                         "forget g", "move i", "import j", "update k"));
}

TEST(Plan, HasChangesFollowsResourcesOutputsOrTheToolItself) {
  auto has_changes = [](std::string_view rest) {
    return Summarize(R"({"format_version":"1.2")" + std::string(rest) + "}").has_changes;
  };
  EXPECT_FALSE(has_changes(""));
  EXPECT_FALSE(has_changes(R"(,"resource_changes":[{"address":"a","change":{"actions":["no-op"]}}])"));
  EXPECT_TRUE(has_changes(R"(,"resource_changes":[{"address":"a","change":{"actions":["update"]}}])"));
  EXPECT_FALSE(has_changes(R"(,"output_changes":{"o":{"actions":["no-op"]}})"));
  EXPECT_TRUE(has_changes(R"(,"output_changes":{"o":{"actions":["update"]}})"));
  EXPECT_TRUE(has_changes(R"(,"applyable":true)"));
  EXPECT_FALSE(has_changes(R"(,"applyable":false,"output_changes":{"o":{"actions":["update"]}})"));
}

TEST(Plan, MarksInsideNestedValuesAreFollowed) {
  auto plan = Summarize(R"({"format_version":"1.2","resource_changes":[{"address":"a","change":{"actions":["update"],
    "before":{"password":"old-password","tags":["plain-one","secret-two"],"n":8},
    "before_sensitive":{"password":true,"tags":[false,true]},
    "after":{"block":{"deep":{"token":"secret-token","open":"plain-token"},"port":123456},
      "whole":["in-a-list",{"k":"in-a-map"}]},
    "after_sensitive":{"block":{"deep":{"token":true},"port":true},"whole":true}}}]})");
  EXPECT_THAT(plan.sensitive.values,
              UnorderedElementsAre("old-password", "secret-two", "secret-token", "123456", "in-a-list", "in-a-map"));
}

TEST(Plan, AMarkThatDoesNotFitTheValueHidesAllOfIt) {
  auto plan = Summarize(R"({"format_version":"1.2","resource_drift":[{"address":"a","change":{"actions":["update"],
    "before":"text-value","before_sensitive":{"x":true},
    "after":["only-one"],"after_sensitive":[false,true]}}]})");
  EXPECT_THAT(plan.sensitive.values, UnorderedElementsAre("text-value", "only-one"));
}

TEST(Plan, VariablesOutputsAndStatesAreSearched) {
  auto plan = Summarize(R"({"format_version":"1.2",
    "variables":{"pw":{"value":{"user":"sensitive-user","pass":"given-value"}},"open":{"value":"plain-value"}},
    "output_changes":{"o":{"actions":["update"],"before":"before-out","after":"after-out",
      "before_sensitive":true,"after_sensitive":true}},
    "planned_values":{"outputs":{"p":{"sensitive":true,"value":"planned-out"}},
      "root_module":{"child_modules":[{"resources":[{"values":{"k":"child-secret"},"sensitive_values":{"k":true}}]}]}},
    "prior_state":{"values":{"root_module":{"resources":[
      {"mode":"data","values":{"key":"data-secret","id":"plain-id"},"sensitive_values":{"key":true}}]}}},
    "configuration":{"root_module":{
      "variables":{"pw":{"sensitive":true},"open":{"default":"plain-default"}},
      "module_calls":{"m":{"module":{"variables":{"inner":{"sensitive":true,"default":"module-default"}}}}}}}})");
  EXPECT_THAT(plan.sensitive.values,
              UnorderedElementsAre("sensitive-user", "given-value", "before-out", "after-out", "planned-out",
                                   "child-secret", "data-secret", "module-default"));
}

TEST(Plan, ValuesComeLongestFirstAndShortOnesAreNamedApart) {
  auto plan = Summarize(R"({"format_version":"1.2","output_changes":{"o":{"actions":["create"],
    "after":["abc","four","", 12, 3.25, 4096, true, null, "longest of all", "four"],"after_sensitive":true}}})");
  EXPECT_EQ(plan.sensitive.values.front(), "longest of all");
  EXPECT_THAT(plan.sensitive.values, UnorderedElementsAre("longest of all", "four", "4096", "3.25"));
  EXPECT_THAT(plan.sensitive.too_short, UnorderedElementsAre("abc", "12"));
}

TEST(Plan, WhatIsNoPlanIsRefused) {
  for (const char* text : {"[]", "7", "{}", "{\"format_version\":2}", "{\"format_version\":\"2.0\"}"}) {
    auto summary = SummarizePlan(*base::ParseJson(text));
    ASSERT_FALSE(summary) << text;
    EXPECT_EQ(summary.error().code, base::Code::kInvalid);
  }
}

TEST(Plan, WrongTypesAreTolerated) {
  for (const char* body : {"null", "7", "[7]", "[{\"change\":7}]", "{\"a\":7}", "[{\"change\":{\"actions\":7}}]",
                           "[{\"change\":{\"actions\":[7]}}]"}) {
    std::string text = R"({"format_version":"1.0")";
    for (const char* key : {"resource_changes", "resource_drift", "output_changes", "planned_values", "prior_state",
                            "variables", "configuration"}) {
      text += std::string(",\"") + key + "\":" + body;
    }
    EXPECT_THAT(Summarize(text + "}").changes, IsEmpty()) << body;
  }
}

TEST(Masking, TheValueGoesInEverySpelling) {
  const std::string secret = "hunter2/\"<&> \xC3\xA4?";
  const auto sensitive = Sensitive({secret});
  const std::string spellings[] = {
      secret,
      "hunter2/\\\"<&> \xC3\xA4?",
      "hunter2/\\\"\\u003c\\u0026\\u003e \xC3\xA4?",
      "hunter2%2F%22%3C%26%3E%20%C3%A4%3F",
      "hunter2%2f%22%3c%26%3e+%c3%a4%3f",
      base::FormatHex(secret),
      base::FormatBase64(secret),
      base::FormatBase64Url(secret),
  };
  for (const auto& spelling : spellings) {
    EXPECT_EQ(Mask("before " + spelling + " after", sensitive), "before (sensitive) after") << spelling;
  }
}

TEST(Masking, HunterIsFoundInABasicAuthorizationHeaderWhereverItStands) {
  const auto sensitive = Sensitive({"hunter2"});
  for (const char* user : {"", "u:", "us:", "use:", "user:"}) {
    const std::string encoded = base::FormatBase64(std::string(user) + "hunter2" + "tail");
    const std::string masked = Mask("Authorization: Basic " + encoded, sensitive);
    EXPECT_THAT(masked, HasSubstr("(sensitive)")) << user;
    auto rest = base::ParseBase64(masked.substr(21));
    EXPECT_FALSE(rest.has_value());
  }
}

TEST(Masking, OverlappingValuesLeaveNothingBehind) {
  EXPECT_EQ(Mask("xabcdefx", Sensitive({"abcd", "cdef"})), "x(sensitive)x");
  EXPECT_EQ(Mask("password password1", Sensitive({"password1", "password"})), "(sensitive) (sensitive)");
  EXPECT_EQ(Mask("aaaaaa", Sensitive({"aaaa"})), "(sensitive)");
}

TEST(Masking, EachLineOfAKeyIsMaskedAlone) {
  const std::string key = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\nq8Z\n-----END KEY-----\n";
  const auto masked = Mask("  | MIIEpAIBAAKCAQEA\n  | q8Z\n", Sensitive({key}));
  EXPECT_EQ(masked, "  | (sensitive)\n  | q8Z\n");
}

TEST(Masking, TextWithoutSecretsIsUnchanged) {
  EXPECT_EQ(Mask("nothing here", Sensitive({"hunter2"})), "nothing here");
  EXPECT_EQ(Mask("", Sensitive({"hunter2"})), "");
  EXPECT_EQ(Mask("hunter2", {}), "hunter2");
  EXPECT_EQ(Mask("an abc", Sensitive({"abc"})), "an abc");
}

StreamLine Diagnostic(std::string summary, std::string detail, std::string file = {}, std::string address = {}) {
  StreamLine line;
  line.type = StreamLine::Type::kDiagnostic;
  line.severity = "error";
  line.summary = std::move(summary);
  line.detail = std::move(detail);
  line.file = std::move(file);
  line.address = std::move(address);
  return line;
}

size_t Chars(std::string_view text) {
  size_t chars = 0;
  for (; !text.empty(); ++chars) {
    const auto rune = base::FirstRune(text);
    EXPECT_NE(rune.bytes, 0u);
    text.remove_prefix(std::max<size_t>(1, rune.bytes));
  }
  return chars;
}

TEST(ErrorSummary, SaysWhatWhereAndWhyInOneLine) {
  EXPECT_EQ(ErrorSummary({Diagnostic("local-exec provisioner error", "Error running command:\n\n  exit status 3. \n",
                                     "main.tf:18", "terraform_data.web[0]")},
                         {}),
            "Error: local-exec provisioner error (main.tf:18, terraform_data.web[0]): Error running command: exit "
            "status 3.");
  EXPECT_EQ(ErrorSummary({Diagnostic("No value", "", "main.tf:2")}, {}), "Error: No value (main.tf:2)");
  EXPECT_EQ(ErrorSummary({Diagnostic("Bad", "", "", "a.b")}, {}), "Error: Bad (a.b)");
  EXPECT_EQ(ErrorSummary({}, {}), "");
}

TEST(ErrorSummary, RepeatedErrorsAreSaidOnce) {
  EXPECT_EQ(ErrorSummary({Diagnostic("first", ""), Diagnostic("halted", ""), Diagnostic("halted", "")}, {}),
            "Error: first\nError: halted");
}

TEST(ErrorSummary, IsMaskedBeforeItIsShaped) {
  const auto sensitive = Sensitive({"two\nlines of secret", "hunter2"});
  auto text = ErrorSummary(
      {Diagnostic("bad hunter2", "said two\nlines of secret here", "hunter2.tf:1", "x[\"hunter2\"]")}, sensitive);
  EXPECT_EQ(text, "Error: bad (sensitive) ((sensitive).tf:1, x[\"(sensitive)\"]): said (sensitive) here");
}

TEST(ErrorSummary, IsCutAtFiveHundredCharactersNotBytes) {
  std::string long_text;
  for (int i = 0; i < 600; ++i) long_text += "\xC3\xA4";
  auto text = ErrorSummary({Diagnostic(long_text, "")}, {});
  EXPECT_EQ(Chars(text), 500u);
  EXPECT_TRUE(text.ends_with("\xE2\x80\xA6"));
  std::string exact;
  for (int i = 0; i < 493; ++i) exact += "\xC3\xA4";
  text = ErrorSummary({Diagnostic(exact, "")}, {});
  EXPECT_EQ(Chars(text), 500u);
  EXPECT_FALSE(text.ends_with("\xE2\x80\xA6"));
}

TEST(ErrorSummary, ASecretAtTheCutIsNotShownInPart) {
  const std::string filler(485, 'x');
  auto text = ErrorSummary({Diagnostic(filler + " hunter2hunter2", "")}, Sensitive({"hunter2hunter2"}));
  EXPECT_THAT(text, Not(HasSubstr("hunt")));
}

TEST(ErrorSummary, ControlCharactersAndBadBytesAreMadeHarmless) {
  EXPECT_EQ(ErrorSummary({Diagnostic("a\x1B[31mred\x07 \xFF end", "")}, {}), "Error: a [31mred \xEF\xBF\xBD end");
}

}  // namespace
}  // namespace run
