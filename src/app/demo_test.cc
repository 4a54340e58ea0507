#include "app/demo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "app/embedded.h"
#include "app/replay.h"
#include "run/run.h"
#include "support/manual_clock.h"

namespace app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<ReceivedDelivery> AllAsExpected() {
  std::vector<ReceivedDelivery> all;
  for (const ExpectedDelivery& expected : DemoExpectations()) {
    ReceivedDelivery delivery;
    delivery.path = "/" + expected.webhook;
    delivery.id = "wd-" + std::to_string(all.size());
    delivery.event = expected.event;
    delivery.reason = expected.reason;
    delivery.workspace = expected.workspace;
    delivery.webhook = expected.webhook;
    all.push_back(delivery);
  }
  return all;
}

std::vector<std::string> Compare(const std::vector<ReceivedDelivery>& received) {
  return CompareDeliveries(DemoExpectations(), received);
}

TEST(Demo, AcceptsExactlyWhatIsExpected) { EXPECT_TRUE(Compare(AllAsExpected()).empty()); }

TEST(Demo, NamesWhatIsMissing) {
  auto received = AllAsExpected();
  received.erase(received.begin());
  EXPECT_THAT(Compare(received), ElementsAre("missing: run:completed (applied) of network by webhook everything"));
}

TEST(Demo, NamesWhatCameTooMuch) {
  auto received = AllAsExpected();
  received.push_back(received[0]);
  EXPECT_THAT(Compare(received), ElementsAre("not expected: wd-0 run:completed (applied) of network at /everything"));
}

TEST(Demo, AnInvalidSignatureIsNoDelivery) {
  for (bool scalr : {true, false}) {
    auto received = AllAsExpected();
    (scalr ? received[0].scalr : received[0].standard).verdict = hook::Verdict::kWrongSignature;
    EXPECT_THAT(Compare(received), ElementsAre(HasSubstr("missing"), HasSubstr("not validly signed: wd-0")));
  }
}

class ReplayTest : public testing::Test {
 protected:
  ReplayTest() : plan_(testing::TempDir() + "replay_test." + std::to_string(getpid())) {}
  ~ReplayTest() override { unlink(plan_.c_str()); }

  int Step(const std::vector<std::string>& arguments) {
    out_.clear();
    auto code = ReplayTool(context_, arguments);
    return code ? *code : -1;
  }
  int Plan(std::vector<std::string> options) {
    options.insert(options.begin(), "plan");
    options.insert(options.end(), {"-json", "-input=false", "-detailed-exitcode", "-out=" + plan_});
    return Step(options);
  }

  testing_support::ManualClock clock_;
  std::unique_ptr<base::Random> random_ = base::MakeSeededRandom(1);
  std::string out_, plan_;
  Context context_{
      {}, clock_, *random_, [this](std::string_view text) { return out_ += text, true; }, [](std::string_view) {}};
};

struct ScenarioRow {
  std::vector<std::string> options;
  int apply_code;
  run::Counts planned;
};

TEST_F(ReplayTest, PlaysEachScenarioToItsEnd) {
  const ScenarioRow rows[] = {
      {{}, 0, {3, 0, 0, 0}}, {{"-var=fail=true"}, 1, {3, 0, 0, 0}}, {{"-var=servers=3"}, 0, {3, 0, 2, 0}}};
  for (const ScenarioRow& row : rows) {
    EXPECT_EQ(Step({"init", "-input=false"}), 0);
    EXPECT_EQ(Plan(row.options), 2);
    EXPECT_THAT(out_, HasSubstr("\"type\":\"planned_change\""));
    EXPECT_EQ(Step({"show", "-json", plan_}), 0);
    auto plan = base::ParseJson(out_, 512);
    ASSERT_TRUE(plan.has_value());
    auto summary = run::SummarizePlan(*plan);
    ASSERT_TRUE(summary.has_value());
    EXPECT_EQ(summary->counts, row.planned);
    EXPECT_EQ(Step({"apply", "-json", "-input=false", plan_}), row.apply_code);
    EXPECT_THAT(out_, HasSubstr(row.apply_code == 0 ? "\"type\":\"change_summary\"" : "\"severity\":\"error\""));
  }
}

TEST_F(ReplayTest, RefusesWhatItCannotPlay) {
  EXPECT_EQ(Step({"destroy"}), -1);
  EXPECT_EQ(Step({}), -1);
  EXPECT_EQ(Step({"apply", "/nonexistent"}), -1);
}

TEST(DemoFiles, HoldTheConfiguration) {
  auto is_main = [](const EmbeddedFile& file) { return file.path == "main.tf"; };
  const auto& files = DemoFiles();
  EXPECT_EQ(std::count_if(files.begin(), files.end(), is_main), 1);
}

}  // namespace
}  // namespace app
