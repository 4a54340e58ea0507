#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "run/run.h"

namespace run {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Type = StreamLine::Type;

std::string ReadRecorded(const std::string& name) {
  std::ifstream file(std::string(RB_SOURCE_DIR "/tests/data/terraform-streams/") + name, std::ios::binary);
  EXPECT_TRUE(file) << name;
  std::stringstream all;
  all << file.rdbuf();
  return all.str();
}

std::vector<StreamLine> ParseAll(std::string_view bytes) {
  StreamParser parser;
  auto lines = parser.Feed(bytes);
  for (auto& line : parser.Finish()) lines.push_back(std::move(line));
  return lines;
}

StreamLine ParseOne(std::string_view text) {
  auto lines = ParseAll(text);
  EXPECT_EQ(lines.size(), 1u) << text;
  return lines.empty() ? StreamLine() : lines.front();
}

StreamTracker Track(const std::string& name) {
  StreamTracker tracker;
  for (const auto& line : ParseAll(ReadRecorded(name))) tracker.Take(line);
  return tracker;
}

std::vector<std::string> Changes(const StreamTracker& tracker) {
  std::vector<std::string> out;
  for (const auto& change : tracker.changes()) out.push_back(change.action + " " + change.address);
  return out;
}

std::string Flat(const StreamLine& l) {
  std::ostringstream out;
  out << static_cast<int>(l.type) << '|' << l.text << '|' << l.address << '|' << l.action << '|' << l.elapsed_seconds
      << '|' << l.counts.add << l.counts.change << l.counts.destroy << l.counts.import << '|' << l.operation << '|'
      << l.severity << '|' << l.summary << '|' << l.detail << '|' << l.file << '|' << l.interrupted << '|'
      << l.tool_version;
  return out.str();
}

struct Recorded {
  const char* file;
  Counts counts;
  bool has_summary;
  size_t changes;
  size_t errors;
  bool interrupted;
  int planned;
  int finished;
};

class RecordedStream : public testing::TestWithParam<Recorded> {};

TEST_P(RecordedStream, IsSummedUpAsItHappened) {
  const auto& expected = GetParam();
  auto tracker = Track(expected.file);
  EXPECT_EQ(tracker.counts().add, expected.counts.add);
  EXPECT_EQ(tracker.counts().change, expected.counts.change);
  EXPECT_EQ(tracker.counts().destroy, expected.counts.destroy);
  EXPECT_EQ(tracker.has_summary(), expected.has_summary);
  EXPECT_EQ(tracker.changes().size(), expected.changes);
  EXPECT_EQ(tracker.errors().size(), expected.errors);
  EXPECT_EQ(tracker.interrupted(), expected.interrupted);
  EXPECT_EQ(tracker.planned(), expected.planned);
  EXPECT_EQ(tracker.finished(), expected.finished);
}

INSTANTIATE_TEST_SUITE_P(
    All, RecordedStream,
    testing::Values(Recorded{"plan-changes.jsonl", {.add = 2}, true, 2, 0, false, 2, 0},
                    Recorded{"plan-nochanges.jsonl", {}, true, 0, 0, false, 0, 0},
                    Recorded{"plan-replace-delete.jsonl", {.add = 1, .destroy = 2}, true, 2, 0, false, 2, 0},
                    Recorded{"plan-missing-var.jsonl", {}, false, 0, 1, false, 0, 0},
                    Recorded{"plan-check-warning.jsonl", {.add = 1}, true, 1, 0, false, 1, 0},
                    Recorded{"apply-ok.jsonl", {.add = 2}, true, 2, 0, false, 2, 2},
                    Recorded{"apply-error.jsonl", {.destroy = 2}, false, 2, 1, false, 2, 2},
                    Recorded{"apply-destroy.jsonl", {.destroy = 1}, true, 1, 0, false, 1, 1},
                    Recorded{"apply-stale.jsonl", {}, false, 0, 1, false, 0, 0},
                    Recorded{"apply-sigint.jsonl", {}, false, 1, 3, true, 1, 1}),
    [](const auto& info) {
      std::string name = info.param.file;
      std::replace_if(
          name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
      return name;
    });

TEST(Stream, EveryRecordedFileIsInTheTable) {
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(RB_SOURCE_DIR "/tests/data/terraform-streams")) {
    if (entry.path().extension() == ".jsonl") ++files;
  }
  EXPECT_EQ(files, 10u);
}

TEST(Stream, NoRecordedLineIsRaw) {
  for (const auto& entry : std::filesystem::directory_iterator(RB_SOURCE_DIR "/tests/data/terraform-streams")) {
    if (entry.path().extension() != ".jsonl") continue;
    auto lines = ParseAll(ReadRecorded(entry.path().filename()));
    ASSERT_FALSE(lines.empty());
    EXPECT_EQ(lines.front().type, Type::kVersion);
    EXPECT_EQ(lines.front().tool_version, "Terraform 1.11.4");
    for (const auto& line : lines) {
      EXPECT_NE(line.type, Type::kRaw) << line.text;
      EXPECT_NE(line.type, Type::kOther) << line.text;
      EXPECT_FALSE(line.text.empty());
    }
  }
}

TEST(Stream, ChangesHaveAddressesAndActions) {
  EXPECT_THAT(Changes(Track("plan-replace-delete.jsonl")),
              ElementsAre("delete terraform_data.web[1]", "replace terraform_data.web[0]"));
}

TEST(Stream, AFailedApplyTellsWhatBrokeAndWhere) {
  auto tracker = Track("apply-error.jsonl");
  ASSERT_EQ(tracker.errors().size(), 1u);
  const auto& error = tracker.errors().front();
  EXPECT_EQ(error.summary, "local-exec provisioner error");
  EXPECT_EQ(error.address, "terraform_data.web[0]");
  EXPECT_EQ(error.file, "main.tf:18");
  EXPECT_THAT(error.detail, HasSubstr("exit status 3"));
}

TEST(Stream, ProgressCarriesElapsedTime) {
  int64_t longest = 0;
  for (const auto& line : ParseAll(ReadRecorded("apply-sigint.jsonl"))) {
    if (line.type == Type::kProgress) longest = line.elapsed_seconds;
  }
  EXPECT_EQ(longest, 10);
}

TEST(Stream, AWarningIsNoError) {
  bool warned = false;
  for (const auto& line : ParseAll(ReadRecorded("plan-check-warning.jsonl"))) {
    if (line.type == Type::kDiagnostic) warned = line.severity == "warning" && line.detail == "check says no";
  }
  EXPECT_TRUE(warned);
}

// Cutting the bytes anywhere must not change what is read.
TEST(Stream, AnySplitOfTheBytesGivesTheSameLines) {
  std::mt19937 chance(7);
  std::string all;
  for (const auto* name : {"apply-ok.jsonl", "apply-error.jsonl", "apply-sigint.jsonl"}) all += ReadRecorded(name);
  all += "raw text\r\n\n{\"not\":\"ours\"}\n" + std::string((size_t{1} << 20) + 10, 'x') + "\nlast without newline";
  auto flatten = [](const std::vector<StreamLine>& lines) {
    std::vector<std::string> out;
    for (const auto& line : lines) out.push_back(Flat(line));
    return out;
  };
  const auto expected = flatten(ParseAll(all));
  ASSERT_GT(expected.size(), 40u);
  for (int round = 0; round < 40; ++round) {
    StreamParser parser;
    std::vector<StreamLine> lines;
    auto take = [&](std::vector<StreamLine> more) {
      for (auto& line : more) lines.push_back(std::move(line));
    };
    const size_t longest = round < 4 ? size_t{1} << round : 1 + chance() % 200'000;
    for (size_t at = 0; at < all.size();) {
      const size_t size = std::min<size_t>(all.size() - at, round < 4 ? longest : 1 + chance() % longest);
      take(parser.Feed(std::string_view(all).substr(at, size)));
      at += size;
    }
    take(parser.Finish());
    ASSERT_EQ(flatten(lines), expected) << "round " << round;
  }
}

TEST(Stream, OpenTofuNamesItselfUnderItsOwnKey) {
  auto line = ParseOne(R"({"@level":"info","@message":"OpenTofu 1.8.0","tofu":"1.8.0","type":"version","ui":"1.2"})");
  EXPECT_EQ(line.type, Type::kVersion);
  EXPECT_EQ(line.tool_version, "OpenTofu 1.8.0");
}

TEST(Stream, MinorVersionsAreFineOtherMajorsAreNot) {
  auto type = [](std::string_view ui) {
    return ParseOne(R"({"@message":"v","terraform":"9","type":"version","ui":")" + std::string(ui) + "\"}").type;
  };
  for (auto ui : {"0.1.0", "1.0", "1.1", "1.2", "1.3", "1.99", "1"}) EXPECT_EQ(type(ui), Type::kVersion) << ui;
  for (auto ui : {"2.0", "10.1", "", "x", "-1.0", "1x", "99999999999999999999.0"}) {
    EXPECT_EQ(type(ui), Type::kUnsupported) << ui;
  }
  EXPECT_EQ(ParseOne(R"({"@message":"v","type":"version"})").type, Type::kUnsupported);
}

TEST(Stream, UnknownTypesAndKeysAreKeptAsText) {
  auto line = ParseOne(R"({"@message":"hello","type":"action_start","more":{"a":[1,2]}})");
  EXPECT_EQ(line.type, Type::kOther);
  EXPECT_EQ(line.text, "hello");
}

TEST(Stream, WhatIsNoLineOfTheStreamIsRawText) {
  EXPECT_EQ(ParseOne("Warning: something on stdout").type, Type::kRaw);
  EXPECT_EQ(ParseOne("{\"a\":1}").text, "{\"a\":1}");
  EXPECT_EQ(ParseOne("{\"a\":1}").type, Type::kRaw);
  EXPECT_EQ(ParseOne("{\"type\":7}").type, Type::kRaw);
  EXPECT_EQ(ParseOne("[1,2]").type, Type::kRaw);
  EXPECT_EQ(ParseOne("{broken").type, Type::kRaw);
  EXPECT_EQ(ParseOne("{\"type\":\"log\",\"@message\":\"\xFF\"}").type, Type::kRaw);
  EXPECT_THAT(ParseAll("\n\r\n\n"), IsEmpty());
}

TEST(Stream, HostileJsonBreaksNothing) {
  EXPECT_EQ(ParseOne(std::string(100'000, '{')).type, Type::kRaw);
  std::string nested = R"({"type":"log","x":)" + std::string(5000, '[') + std::string(5000, ']') + "}";
  EXPECT_EQ(ParseOne(nested).type, Type::kRaw);
  for (const char* kind : {"version", "log", "diagnostic", "planned_change", "resource_drift", "change_summary",
                           "apply_start", "apply_complete", "apply_errored", "provision_progress", "outputs"}) {
    for (const char* body : {"null", "7", "\"x\"", "[]", "{}", "{\"resource\":[]}", "{\"add\":\"many\",\"remove\":-5}",
                             "{\"elapsed_seconds\":-1}", "{\"add\":99999999999999999999}"}) {
      std::string text = std::string(R"({"type":")") + kind + "\",\"@message\":{}";
      for (const char* key : {"change", "hook", "changes", "diagnostic", "ui"}) {
        text += std::string(",\"") + key + "\":" + body;
      }
      StreamTracker tracker;
      auto line = ParseOne(text + "}");
      EXPECT_GE(line.counts.destroy, 0);
      EXPECT_GE(line.elapsed_seconds, 0);
      tracker.Take(line);
    }
  }
}

TEST(Stream, ALineOfExactlyTheLimitIsReadAndALongerOneIsCut) {
  constexpr size_t kLimit = size_t{1} << 20;
  const std::string head = R"({"type":"log","@message":")", tail = "\"}";
  std::string fits = head + std::string(kLimit - head.size() - tail.size(), 'a') + tail;
  EXPECT_EQ(ParseOne(fits).type, Type::kLog);
  auto lines = ParseAll(head + "b" + fits.substr(head.size()) + "\nafter\n");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0].type, Type::kRaw);
  EXPECT_EQ(lines[0].text.size(), kLimit);
  EXPECT_EQ(lines[1].text, "after");
}

TEST(Stream, OnlyTheToolsOwnLogSaysThatItWasInterrupted) {
  EXPECT_TRUE(
      ParseOne(R"({"type":"log","@message":"\nInterrupt received.\nPlease wait for OpenTofu to exit"})").interrupted);
  EXPECT_TRUE(ParseOne(R"({"type":"log","@message":"Two interrupts received. Exiting immediately."})").interrupted);
  EXPECT_FALSE(ParseOne(R"({"type":"provision_progress","@message":"Interrupt received"})").interrupted);
  EXPECT_FALSE(ParseOne("Interrupt received.").interrupted);
}

StreamTracker TrackText(std::string_view text) {
  StreamTracker tracker;
  for (const auto& line : ParseAll(text)) tracker.Take(line);
  return tracker;
}

TEST(Tracker, CountsFinishedResourcesWhenAnApplyHasNoSummary) {
  auto tracker = TrackText(R"({"type":"planned_change","change":{"resource":{"addr":"a"},"action":"update"}}
{"type":"planned_change","change":{"resource":{"addr":"b"},"action":"create"}}
{"type":"planned_change","change":{"resource":{"addr":"c"},"action":"replace"}}
{"type":"planned_change","change":{"resource":{"addr":"m"},"action":"move"}}
{"type":"planned_change","change":{"resource":{"addr":"f"},"action":"remove"}}
{"type":"planned_change","change":{"resource":{"addr":"n"},"action":"noop"}}
{"type":"change_summary","changes":{"add":9,"change":9,"remove":9,"operation":"plan"}}
{"type":"apply_start","hook":{"resource":{"addr":"a"},"action":"update"}}
{"type":"apply_complete","hook":{"resource":{"addr":"a"},"action":"update"}}
{"type":"apply_complete","hook":{"resource":{"addr":"c"},"action":"delete"}}
{"type":"apply_complete","hook":{"resource":{"addr":"c"},"action":"create"}}
{"type":"apply_errored","hook":{"resource":{"addr":"b"},"action":"create"}}
{"type":"apply_complete","hook":{"resource":{"addr":"never planned"},"action":"read"}}
)");
  EXPECT_FALSE(tracker.has_summary());
  EXPECT_EQ(tracker.counts(), (Counts{.add = 1, .change = 1, .destroy = 1}));
  EXPECT_EQ(tracker.planned(), 3);
  EXPECT_EQ(tracker.finished(), 3);
  EXPECT_THAT(Changes(tracker), ElementsAre("update a", "create b", "replace c", "move m", "forget f"));
}

TEST(Tracker, AReplaceCountsAsDoneAfterBothSteps) {
  const std::string plan = R"({"type":"planned_change","change":{"resource":{"addr":"c"},"action":"replace"}})";
  const std::string half = R"({"type":"apply_complete","hook":{"resource":{"addr":"c"},"action":"delete"}})";
  EXPECT_EQ(TrackText(plan + "\n" + half).finished(), 0);
  EXPECT_EQ(TrackText(plan + "\n" + half + "\n" + half).finished(), 1);
}

TEST(Tracker, TheSummaryOfTheApplyWins) {
  auto tracker = TrackText(R"({"type":"apply_complete","hook":{"resource":{"addr":"a"},"action":"create"}}
{"type":"change_summary","changes":{"add":5,"change":4,"remove":3,"import":2,"operation":"apply"}}
)");
  EXPECT_TRUE(tracker.has_summary());
  EXPECT_EQ(tracker.counts(), (Counts{.add = 5, .change = 4, .destroy = 3, .import = 2}));
}

TEST(Tracker, KeepsABoundedNumberOfErrors) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "{\"type\":\"diagnostic\",\"diagnostic\":{\"severity\":\"error\"}}\n";
  EXPECT_EQ(TrackText(text).errors().size(), 100u);
}

}  // namespace
}  // namespace run
