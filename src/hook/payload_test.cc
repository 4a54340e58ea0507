#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "base/time_text.h"
#include "hook/hook.h"

namespace hook {
namespace {

Snapshot Example() {
  Snapshot s;
  s.event = base::EventId{7};
  s.sequence = 42;
  s.kind = run::EventKind::kNeedsAttention;
  s.reason = run::Reason::kApproval;
  s.run = base::RunId{1};
  s.message = "Updated instance\n";
  s.source = "cli";
  s.run_url = "https://runbell.example.com/runs/run-v00000000000001";
  s.status = run::Status::kPlanned;
  s.created_at = *base::ParseTime("2020-11-25T00:42:15Z");
  s.updated_at = *base::ParseTime("2020-11-25T00:43:38.9Z");
  s.created_by_id = "user-v00000000000002";
  s.created_by_name = "ci";
  s.created_by_email = "me@example.com";
  s.workspace = base::WorkspaceId{4};
  s.workspace_name = "network";
  s.workspace_url = "https://runbell.example.com/ws";
  s.environment = base::EnvironmentId{5};
  s.environment_name = "production";
  s.environment_url = "https://runbell.example.com/env";
  s.variables = {{"region", "eu-west-1"}, {"a_count", "3"}};
  s.plan = run::Counts{1, 2, 3, 4};
  return s;
}

std::string Body(const Snapshot& s, PayloadForm form, std::string_view webhook_name = "Data Platform") {
  Payload payload = RenderPayload(s, form);
  return payload.head + RenderWebhookPart(base::WebhookId{3}, webhook_name) + payload.tail;
}

base::json::value Document(const Snapshot& s, PayloadForm form) {
  auto document = base::ParseJson(Body(s, form));
  EXPECT_TRUE(document) << (document ? "" : document.error().Text());
  return document ? *document : base::json::value();
}

std::vector<std::string> Keys(const base::json::value& value) {
  std::vector<std::string> keys;
  for (const auto& member : value.as_object()) keys.emplace_back(member.key());
  return keys;
}

TEST(Payload, UnderscoreFormIsByteForByteTheDocumentedOne) {
  EXPECT_EQ(Body(Example(), PayloadForm::kUnderscore),
            R"({"payload_version":1,"event_name":"run:needs_attention",)"
            R"("run":{"id":"run-v00000000000001","message":"Updated instance\n","status":"planned","source":"cli",)"
            R"("url":"https://runbell.example.com/runs/run-v00000000000001",)"
            R"("created_at":"2020-11-25T00:42:15","updated_at":"2020-11-25T00:43:38",)"
            R"("created_by":{"id":"user-v00000000000002","username":"ci","email":"me@example.com"}},)"
            R"("webhook":{"id":"wh-v00000000000003","name":"Data Platform"},)"
            R"("workspace":{"id":"ws-v00000000000004","name":"network","url":"https://runbell.example.com/ws"},)"
            R"("environment":{"id":"env-v00000000000005","name":"production",)"
            R"("url":"https://runbell.example.com/env"},)"
            R"("variables":{"region":"eu-west-1","a_count":"3"},)"
            R"("event_id":"evt-v00000000000007","sequence":42,"reason":"approval","is_destroy":false,"is_dry":false,)"
            R"("plan":{"add":1,"change":2,"destroy":3,"import":4}})");
}

TEST(Payload, TheDocumentShowsWhatIsSent) {
  std::ifstream file(RB_SOURCE_DIR "/docs/payload.md");
  std::string document(std::istreambuf_iterator<char>(file), {});
  size_t begin = document.find("```json\n") + 8;
  auto shown = base::ParseJson(document.substr(begin, document.find("```", begin) - begin));
  ASSERT_TRUE(shown) << shown.error().Text();
  EXPECT_EQ(base::FormatJson(*shown), Body(Example(), PayloadForm::kUnderscore));
}

TEST(Payload, HyphenFormIsSortedAtEveryLevelBeforeOurExtras) {
  EXPECT_EQ(Body(Example(), PayloadForm::kHyphen),
            R"({"environment":{"id":"env-v00000000000005","name":"production",)"
            R"("url":"https://runbell.example.com/env"},)"
            R"("event-name":"run:needs_attention","payload-version":1,)"
            R"("run":{"created-at":"2020-11-25T00:42:15",)"
            R"("created-by":{"email":"me@example.com","id":"user-v00000000000002","username":"ci"},)"
            R"("id":"run-v00000000000001","message":"Updated instance\n","source":"cli","status":"planned",)"
            R"("updated-at":"2020-11-25T00:43:38","url":"https://runbell.example.com/runs/run-v00000000000001"},)"
            R"("variables":{"region":"eu-west-1","a_count":"3"},)"
            R"("webhook":{"id":"wh-v00000000000003","name":"Data Platform"},)"
            R"("workspace":{"id":"ws-v00000000000004","name":"network","url":"https://runbell.example.com/ws"},)"
            R"("event-id":"evt-v00000000000007","sequence":42,"reason":"approval","is-destroy":false,"is-dry":false,)"
            R"("plan":{"add":1,"change":2,"destroy":3,"import":4}})");
}

TEST(Payload, KeepsTheTrailingNewlineOfACommitMessageByteForByte) {
  for (PayloadForm form : {PayloadForm::kUnderscore, PayloadForm::kHyphen}) {
    EXPECT_THAT(Body(Example(), form), testing::HasSubstr("\"message\":\"Updated instance\\n\","));
  }
}

TEST(Payload, WhatIsUnknownIsLeftOutAndWhatIsEmptyIsNull) {
  Snapshot s = Example();
  s.plan.reset();
  s.reason = run::Reason::kNone;
  s.created_by_id = s.created_by_name = s.created_by_email = "";
  s.variables.clear();
  for (PayloadForm form : {PayloadForm::kUnderscore, PayloadForm::kHyphen}) {
    base::json::value document = Document(s, form);
    bool hyphen = form == PayloadForm::kHyphen;
    EXPECT_EQ(document.as_object().if_contains("plan"), nullptr);
    EXPECT_EQ(document.as_object().if_contains("error"), nullptr);
    EXPECT_TRUE(document.at("reason").is_null());
    EXPECT_TRUE(document.at("variables").as_object().empty());
    const auto& creator = document.at("run").at(hyphen ? "created-by" : "created_by");
    for (const char* key : {"id", "username", "email"}) EXPECT_TRUE(creator.at(key).is_null()) << key;
  }
}

TEST(Payload, AnErrorAndTheKindOfRunAreToldAfterTheDocumentedKeys) {
  Snapshot s = Example();
  s.kind = run::EventKind::kErrored;
  s.status = run::Status::kErrored;
  s.reason = run::Reason::kPlanFailed;
  s.is_destroy = s.is_dry = true;
  s.error_summary = "Error: \"x\" (main.tf:18)";
  base::json::value document = Document(s, PayloadForm::kUnderscore);
  EXPECT_EQ(document.at("error").at("summary"), "Error: \"x\" (main.tf:18)");
  EXPECT_EQ(document.at("is_destroy"), true);
  EXPECT_EQ(document.at("is_dry"), true);
  EXPECT_THAT(Keys(document), testing::ElementsAre("payload_version", "event_name", "run", "webhook", "workspace",
                                                   "environment", "variables", "event_id", "sequence", "reason",
                                                   "is_destroy", "is_dry", "plan", "error"));
  EXPECT_THAT(
      Keys(Document(s, PayloadForm::kHyphen)),
      testing::ElementsAre("environment", "event-name", "payload-version", "run", "variables", "webhook", "workspace",
                           "event-id", "sequence", "reason", "is-destroy", "is-dry", "plan", "error"));
}

TEST(Payload, NamesEveryEventStatusAndReason) {
  Snapshot s = Example();
  for (run::EventKind kind : run::kAllEvents) {
    for (int status = 0; status < run::kStatusCount; ++status) {
      s.kind = kind;
      s.status = static_cast<run::Status>(status);
      base::json::value document = Document(s, PayloadForm::kUnderscore);
      EXPECT_EQ(document.at("event_name").as_string(), Name(kind));
      EXPECT_EQ(document.at("run").at("status").as_string(), Name(s.status));
    }
  }
}

// Whatever a text holds, the body is JSON, and valid UTF-8 comes back unchanged from every place that takes a text.
TEST(Payload, HostileTextStaysInsideItsString) {
  std::string controls;
  for (int c = 0; c < 0x20; ++c) controls += static_cast<char>(c);
  const std::string texts[] = {
      "\",\"status\":\"applied\"",
      "\\\"}}]],\\",
      "</script><!-- \xE2\x80\xA8\xE2\x80\xA9 \xF0\x9F\x9A\x80 e\xCC\x81 \x7F",
      controls,
      std::string("a\0b", 3),
      std::string(100'000, '\n'),
  };
  for (const std::string& text : texts) {
    Snapshot s = Example();
    s.message = s.source = s.run_url = s.created_by_id = s.created_by_name = s.created_by_email = text;
    s.workspace_name = s.workspace_url = s.environment_name = s.environment_url = s.error_summary = text;
    s.variables = {{text, text}, {"list", base::json::array{text, nullptr, base::json::object{{text, 1.5}}}}};
    for (PayloadForm form : {PayloadForm::kUnderscore, PayloadForm::kHyphen}) {
      auto parsed = base::ParseJson(Body(s, form, text));
      ASSERT_TRUE(parsed) << parsed.error().Text();
      bool hyphen = form == PayloadForm::kHyphen;
      const auto& run = parsed->at("run");
      EXPECT_EQ(run.at("status"), "planned");
      for (const char* key : {"message", "source", "url"}) EXPECT_EQ(run.at(key).as_string(), text);
      for (const char* key : {"id", "username", "email"}) {
        EXPECT_EQ(run.at(hyphen ? "created-by" : "created_by").at(key).as_string(), text);
      }
      for (const char* place : {"workspace", "environment"}) {
        EXPECT_EQ(parsed->at(place).at("name").as_string(), text);
        EXPECT_EQ(parsed->at(place).at("url").as_string(), text);
      }
      EXPECT_EQ(parsed->at("webhook").at("name").as_string(), text);
      EXPECT_EQ(parsed->at("error").at("summary").as_string(), text);
      EXPECT_EQ(parsed->at("variables"), base::json::value(s.variables));
    }
  }
}

TEST(Payload, InvalidUtf8BecomesReplacementCharacters) {
  Snapshot s = Example();
  s.message = "a\xFF\xC3(\xED\xA0\x80z";
  s.variables = {{"k\x80", "v\xC0\xAF"}};
  std::string body = Body(s, PayloadForm::kUnderscore);
  EXPECT_TRUE(base::IsUtf8(body));
  auto parsed = base::ParseJson(body);
  ASSERT_TRUE(parsed) << parsed.error().Text();
  EXPECT_THAT(std::string(parsed->at("run").at("message").as_string()),
              testing::AllOf(testing::StartsWith("a\xEF\xBF\xBD"), testing::EndsWith("z")));
}

TEST(Payload, AllWebhooksOfAnEventShareHeadAndTail) {
  Snapshot s = Example();
  Payload payload = RenderPayload(s, PayloadForm::kUnderscore);
  EXPECT_THAT(payload.head, testing::EndsWith(",\"webhook\":"));
  EXPECT_THAT(payload.tail, testing::StartsWith(",\"workspace\":"));
  EXPECT_EQ(RenderWebhookPart(base::WebhookId{3}, "a\"b"), R"({"id":"wh-v00000000000003","name":"a\"b"})");
}

TEST(Payload, FormsHaveNames) {
  for (PayloadForm form : {PayloadForm::kUnderscore, PayloadForm::kHyphen}) {
    EXPECT_EQ(ParsePayloadForm(Name(form)), form);
  }
  EXPECT_EQ(ParsePayloadForm("Hyphen"), std::nullopt);
  EXPECT_EQ(ParsePayloadForm(""), std::nullopt);
}

}  // namespace
}  // namespace hook
