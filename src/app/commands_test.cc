#include "app/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/server_access.h"
#include "support/manual_clock.h"

namespace app {
namespace {

using testing::HasSubstr;

class CommandsTest : public testing::Test {
 protected:
  int Run(const std::vector<std::string>& arguments) {
    out_.clear();
    err_.clear();
    return RunCommandLine(MakeRootCommand(context_), arguments, context_);
  }
  void CheckHelp(const Command& command, std::vector<std::string> path) {
    path.emplace_back("--help");
    EXPECT_EQ(Run(path), kExitOk) << command.name;
    EXPECT_THAT(out_, HasSubstr(command.summary + "\n\nUsage: runbell"));
    path.pop_back();
    for (const Command& inner : command.commands) {
      path.push_back(inner.name);
      CheckHelp(inner, path);
      path.pop_back();
    }
  }

  testing_support::ManualClock clock_;
  std::unique_ptr<base::Random> random_ = base::MakeSeededRandom(1);
  std::string out_, err_;
  Context context_{{},
                   clock_,
                   *random_,
                   [this](std::string_view text) { return out_ += text, true; },
                   [this](std::string_view text) { err_ += text; }};
};

TEST_F(CommandsTest, EveryCommandHasHelp) { CheckHelp(MakeRootCommand(context_), {}); }

TEST_F(CommandsTest, TheStandInForTerraformIsNotAdvertised) {
  Run({"--help"});
  EXPECT_THAT(out_, testing::Not(HasSubstr("replay-tool")));
  for (const char* shell : {"bash", "zsh", "fish"}) {
    EXPECT_EQ(Run({"completion", shell}), kExitOk);
    EXPECT_THAT(out_, HasSubstr("delivery"));
    EXPECT_THAT(out_, testing::Not(HasSubstr("replay-tool")));
  }
}

TEST_F(CommandsTest, CheckConfigListsEverythingWrong) {
  EXPECT_EQ(Run({"check-config"}), kExitOk);
  EXPECT_EQ(Run({"check-config", "--listen", "x", "--deliver-per-host", "0"}), kExitUsage);
  EXPECT_THAT(err_, HasSubstr("--listen: server.listen"));
  EXPECT_THAT(err_, HasSubstr("--deliver-per-host: deliver.per_host"));
}

TEST_F(CommandsTest, SettingsAreShownWithTheirSource) {
  EXPECT_EQ(Run({"config", "show", "--listen", "127.0.0.1:1"}), kExitOk);
  EXPECT_THAT(out_, testing::ContainsRegex("server.listen +127.0.0.1:1 +--listen"));
  EXPECT_THAT(out_, testing::ContainsRegex("data.directory +./runbell-data +default"));
}

TEST_F(CommandsTest, ServerCommandsSayWhereATokenComesFrom) {
  EXPECT_EQ(Run({"delivery", "list"}), kExitUsage);
  EXPECT_THAT(err_, HasSubstr("no token: give --token-file FILE or set RUNBELL_TOKEN"));
}

TEST_F(CommandsTest, ATokenInClearIsWarnedOfUnlessItStaysOnThisMachine) {
  context_.environment["RUNBELL_TOKEN"] = "the-token";
  const auto warning = [&](const std::string& server) {
    err_.clear();
    EXPECT_TRUE(Connect(context_, {server, "", ""})) << server;
    return err_;
  };
  for (const char* server : {"http://runbell.example.com", "http://192.0.2.1:8170", "http://[2001:db8::1]:8170/x"}) {
    EXPECT_THAT(warning(server), HasSubstr(std::string(server) + " is not https")) << server;
    EXPECT_THAT(err_, testing::Not(HasSubstr("the-token")));
  }
  for (const char* server : {"", "http://localhost:1", "http://127.0.0.9:1", "http://[::1]:1", "https://example.com"}) {
    EXPECT_EQ(warning(server), "") << server;
  }
}

TEST_F(CommandsTest, TheTimeForLastReportsIsADuration) {
  EXPECT_EQ(Run({"run", "--environment", "e", "--workspace", "w", "--report-timeout", "soon", "--", "terraform"}),
            kExitUsage);
  EXPECT_THAT(err_, HasSubstr("--report-timeout"));
}

}  // namespace
}  // namespace app
