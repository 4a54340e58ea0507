#include "app/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/completion.h"
#include "support/manual_clock.h"

namespace app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CommandTest : public testing::Test {
 protected:
  int Run(const std::vector<std::string>& arguments) { return RunCommandLine(MakeRoot(), arguments, context_); }

  Command MakeRoot() {
    Command list{.name = "list",
                 .summary = "List bells",
                 .details =
                     "Bells are listed from the lowest to the highest, whatever the order in which they were "
                     "hung,\nand cracked ones too.\n\nExample:\n  bell list --server u        as it stands",
                 .options = {{"--json", "", &json_, "For programs."},
                             {"--tag", "TAG", &tags_, "Only with this tag."},
                             {"--server", "URL", &server_, "Which server.", true},
                             {"--weight", "KG", &weight_, "At least so heavy."},
                             {"--key", "KEY", &keys_, "In this key.", false, true},
                             {"NAME", "NAME", &name_, "Which bell."}},
                 .rest = &rest_,
                 .rest_name = "TOOL",
                 .run = [this]() -> base::Result<int> {
                   ran_++;
                   if (failure_) return *failure_;
                   return 7;
                 }};
    return {
        .name = "bell", .summary = "Bells", .commands = {{.name = "tower", .summary = "Towers", .commands = {list}}}};
  }

  testing_support::ManualClock clock_;
  std::unique_ptr<base::Random> random_ = base::MakeSeededRandom(1);
  std::string out_, err_;
  Context context_{{},
                   clock_,
                   *random_,
                   [this](std::string_view text) { return out_ += text, true; },
                   [this](std::string_view text) { err_ += text; }};
  bool json_ = false;
  int weight_ = 0;
  std::vector<std::string> keys_;
  std::string server_, name_;
  std::vector<std::string> tags_, rest_;
  int ran_ = 0;
  std::optional<base::Error> failure_;
};

TEST_F(CommandTest, FillsOptionsAndRuns) {
  EXPECT_EQ(
      Run({"tower", "list", "--server=u", "--tag", "a", "big", "--tag", "b", "--json", "--", "tool", "--json", "-x"}),
      7);
  EXPECT_TRUE(json_);
  EXPECT_EQ(server_, "u");
  EXPECT_EQ(name_, "big");
  EXPECT_THAT(tags_, ElementsAre("a", "b"));
  EXPECT_THAT(rest_, ElementsAre("tool", "--json", "-x"));
  EXPECT_EQ(ran_, 1);
}

struct UsageRow {
  std::vector<std::string> arguments;
  std::string complaint;
};

TEST_F(CommandTest, WrongUseSaysWhatAndWhere) {
  const UsageRow rows[] = {
      {{"towr"}, "bell: no such command: towr; did you mean tower?"},
      {{"tower", "lst"}, "bell tower: no such command: lst; did you mean list?"},
      {{"--json"}, "bell: no such option: --json"},
      {{"tower", "list"}, "--server"},
      {{"tower", "list", "--server", "u", "--jsn"}, "bell tower list: no such option: --jsn; did you mean --json?"},
      {{"tower", "list", "--server", "u", "a", "b"}, "bell tower list: one argument too many: b"},
      {{"tower", "list", "--server", "u", "--tag"}, "--tag"},
      {{"tower", "list", "--server", "u", "--server", "v"}, "--server"},
      {{"tower", "list", "--server", "u", "--weight", "heavy"}, "--weight: \"heavy\" is not a whole number"},
      {{"tower", "list", "--server", "u", "--weight", "99999999999"},
       "--weight: \"99999999999\" is not a whole number"},
  };
  for (const UsageRow& row : rows) {
    err_.clear();
    EXPECT_EQ(Run(row.arguments), kExitUsage) << row.complaint;
    EXPECT_THAT(err_, HasSubstr(row.complaint));
    EXPECT_THAT(err_, HasSubstr("--help"));
  }
  EXPECT_EQ(ran_, 0);
  EXPECT_EQ(out_, "");
}

TEST_F(CommandTest, ErrorsBecomeExitCodes) {
  failure_ = base::Error(base::Code::kNotFound, "no such bell", "NAME");
  EXPECT_EQ(Run({"tower", "list", "--server", "u"}), kExitFailed);
  EXPECT_EQ(err_, "bell tower list: NAME: no such bell\n");
  failure_ = base::Invalid("not a bell");
  EXPECT_EQ(Run({"tower", "list", "--server", "u"}), kExitUsage);
}

TEST_F(CommandTest, HelpComesBeforeWhatIsRequired) {
  EXPECT_EQ(Run({"tower", "list", "--help"}), kExitOk);
  EXPECT_EQ(ran_, 0);
  EXPECT_EQ(out_,
            "List bells\n"
            "\n"
            "Usage: bell tower list --server URL [options] [NAME] -- TOOL\n"
            "\n"
            "Arguments:\n"
            "  NAME  Which bell.\n"
            "\n"
            "Options:\n"
            "  --json        For programs.\n"
            "  --tag TAG     Only with this tag. Repeatable.\n"
            "  --server URL  Which server.\n"
            "  --weight KG   At least so heavy.\n"
            "  --key KEY     In this key.\n"
            "\n"
            "Bells are listed from the lowest to the highest, whatever the order in which\n"
            "they were hung, and cracked ones too.\n"
            "\n"
            "Example:\n"
            "  bell list --server u        as it stands\n");
}

TEST_F(CommandTest, GroupAloneShowsItsHelpAsAnError) {
  EXPECT_EQ(Run({"tower"}), kExitUsage);
  EXPECT_THAT(err_, HasSubstr("Usage: bell tower COMMAND ..."));
  EXPECT_EQ(Run({"tower", "-h"}), kExitOk);
  EXPECT_THAT(out_, HasSubstr("list  List bells"));
}

TEST_F(CommandTest, CompletionKnowsCommandsAndOptions) {
  std::string bash = FormatBashCompletion(MakeRoot());
  EXPECT_THAT(bash, HasSubstr("\"/tower\") words=\"list --help\""));
  EXPECT_THAT(bash, HasSubstr("\"/tower/list\") words=\"--json --tag --server --weight --key --help\""));
  EXPECT_THAT(FormatZshCompletion(MakeRoot()), HasSubstr("'list:List bells'"));
  EXPECT_THAT(FormatFishCompletion(MakeRoot()), HasSubstr("'__runbell_at \"/tower/list\"' -l json"));
}

}  // namespace
}  // namespace app
