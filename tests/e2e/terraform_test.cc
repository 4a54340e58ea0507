// Real runs: the real binary as server and as wrapper, the real terraform, a receiver that verifies.
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "base/time_text.h"
#include "e2e/server_program.h"
#include "hook/hook.h"
#include "support/fake_endpoint.h"
#include "support/pseudo_terminal.h"
#include "support/require.h"
#include "support/secret_scan.h"

namespace testing_support {
namespace {

namespace json = base::json;

constexpr std::string_view kPassword = "hunter2-correct-horse";

class Terraform : public ::testing::Test {
 protected:
  void SetUp() override {
    RB_SKIP_UNLESS(!FindTool("terraform").empty(), "terraform is not on PATH");
    ASSERT_NO_FATAL_FAILURE(server_.Start());
    ApiCaller api = server_.Api();
    environment_ = api.Create("environments", {{"name", "production"}});
    workspace_ = api.Create("workspaces", {{"name", "network"}}, {{"environment", environment_}});
    const std::string endpoint =
        api.Create("endpoints", {{"name", "all"}, {"url", receiver_.Url()}}, {{"environment", environment_}});
    secret_ = base::StringAt(api.Expect(200, "GET", "/endpoints/" + endpoint), {"data", "attributes", "secret-key"})
                  .value_or("");
    api.Expect(201, "POST", "/webhooks",
               R"({"data":{"type":"webhooks","attributes":{"name":"all"},"relationships":{"endpoint":{"data":{)"
               R"("type":"endpoints","id":")" +
                   endpoint + R"("}},"environment":{"data":{"type":"environments","id":")" + environment_ +
                   R"("}},"events":{"data":[{"type":"event-definitions","id":"run:completed"},)"
                   R"({"type":"event-definitions","id":"run:errored"},)"
                   R"({"type":"event-definitions","id":"run:needs_attention"}]}}}})");
    std::ofstream(directory_ / "token") << server_.token() << "\n";
    std::filesystem::create_directory(directory_ / "code");
    std::filesystem::copy_file(std::string(RB_SOURCE_DIR) + "/tests/data/wrapped.tf", directory_ / "code/main.tf");
  }

  // Begins `runbell run` with flags of its own and further plan options.
  std::unique_ptr<Program> Begin(const std::vector<std::string>& flags, const std::vector<std::string>& plan = {}) {
    std::vector<std::string> argv = {
        RB_BINARY,       "run",        "--server",    server_.url(), "--token-file", directory_ / "token",
        "--environment", "production", "--workspace", "network",     "--chdir",      directory_ / "code"};
    argv.insert(argv.end(), flags.begin(), flags.end());
    argv.insert(argv.end(), {"--", tool_});
    argv.insert(argv.end(), plan.begin(), plan.end());
    return std::make_unique<Program>(argv, variables_, "", "", terminal_);
  }
  int Run(const std::vector<std::string>& flags, const std::vector<std::string>& plan = {}) {
    auto program = Begin(flags, plan);
    const int code = program->Wait();
    said_ = program->out() + program->err();
    return code;
  }
  // Waits for the `count`th request and reads it: "run:completed/applied".
  std::string Rung(size_t count) {
    receiver_.WaitForRequests(count);
    const ReceivedRequest request = receiver_.Requests()[count - 1];
    const size_t first_line_end = request.head.find("\r\n") + 2;
    const std::string lines = request.head.substr(first_line_end, request.head.size() - first_line_end - 2);
    const auto sent = base::ParseTime(*request.Header("Date"));
    EXPECT_EQ(hook::VerifyScalr({base::Secret(secret_)}, lines, request.body, *sent, std::chrono::minutes(5)).verdict,
              hook::Verdict::kValid);
    EXPECT_FALSE(FindSecret(request.body, kPassword)) << request.body;
    body_ = *base::ParseJson(request.body);
    return base::StringAt(body_, {"event_name"}).value_or("") + "/" + base::StringAt(body_, {"reason"}).value_or("");
  }
  int64_t Planned(std::string_view what) { return base::IntAt(body_, {"plan", what}).value_or(-1); }
  std::string RunId() { return base::StringAt(body_, {"run", "id"}).value_or(""); }
  void Decide(const std::string& command) {
    const Ended decided =
        RunProgram({RB_BINARY, command, RunId(), "--server", server_.url(), "--token-file", directory_ / "token"});
    EXPECT_EQ(decided.code, 0) << decided.err;
  }

  TempDirectory directory_;
  ServerProgram server_{directory_ / "data"};
  FakeEndpoint receiver_;
  std::string environment_, workspace_, secret_, said_;
  json::value body_;
  std::string tool_ = "terraform";
  std::vector<std::string> variables_;  // of the wrapper's environment
  int terminal_ = -1;
};

TEST_F(Terraform, AppliedThenNoChangesThenDestroyed) {
  EXPECT_EQ(Run({"--auto-apply", "--message", "Updated instance\n"}), 0) << said_;
  EXPECT_EQ(Rung(1), "run:completed/applied");
  EXPECT_EQ(Planned("add"), 1);
  EXPECT_NE(receiver_.Requests()[0].body.find(R"("message":"Updated instance\n",)"), std::string::npos);
  EXPECT_NE(said_.find("terraform_data.server[0]"), std::string::npos) << said_;

  EXPECT_EQ(Run({}), 0) << said_;
  EXPECT_EQ(Rung(2), "run:completed/no_changes");

  EXPECT_EQ(Run({"--auto-apply", "--destroy"}), 0) << said_;
  EXPECT_EQ(Rung(3), "run:completed/destroyed");
  EXPECT_EQ(receiver_.RequestCount(), 3u);
}

TEST_F(Terraform, APlanThatFails) {
  EXPECT_EQ(Run({"--auto-apply"}, {"-var=nonsense=1"}), 1) << said_;
  EXPECT_EQ(Rung(1), "run:errored/plan_failed");
  EXPECT_NE(base::StringAt(body_, {"error", "summary"}).value_or(""), "");
}

TEST_F(Terraform, AnApplyThatFailsTellsWhyWithoutTheSensitiveValue) {
  EXPECT_EQ(Run({"--auto-apply"}, {"-var=fail=true"}), 1) << said_;
  EXPECT_EQ(Rung(1), "run:errored/apply_failed");
  const std::string summary = base::StringAt(body_, {"error", "summary"}).value_or("");
  EXPECT_NE(summary.find("local-exec"), std::string::npos) << summary;
  EXPECT_LE(summary.size(), 2000u);
  EXPECT_FALSE(FindSecret(summary, kPassword)) << summary;
}

TEST_F(Terraform, APlanThatWaitsIsApproved) {
  auto program = Begin({});
  EXPECT_EQ(Rung(1), "run:needs_attention/approval");
  Decide("approve");
  EXPECT_EQ(program->Wait(), 0) << program->err();
  EXPECT_EQ(Rung(2), "run:completed/applied");
}

TEST_F(Terraform, APlanThatWaitsIsDiscarded) {
  auto program = Begin({});
  EXPECT_EQ(Rung(1), "run:needs_attention/approval");
  Decide("discard");
  EXPECT_EQ(program->Wait(), 4) << program->err();
  EXPECT_EQ(receiver_.RequestCount(), 1u);
  EXPECT_EQ(Run({"--plan-only"}), 0) << said_;
  EXPECT_EQ(Rung(2), "run:completed/plan_only");
  EXPECT_EQ(Planned("add"), 1) << "nothing had been applied";
}

TEST_F(Terraform, SigintEndsAnApplyAsCanceled) {
  auto program = Begin({"--auto-apply"}, {"-var=delay=30"});
  const auto began = [](const std::string& text) { return text.find("local-exec"); };
  ASSERT_NE(began(program->WaitForLine("Executing") + program->out() + program->err()), std::string::npos);
  program->Send(SIGINT);
  EXPECT_EQ(program->Wait(), 3) << program->out() << program->err();
  EXPECT_EQ(Rung(1), "run:errored/canceled");
}

TEST_F(Terraform, AClosedTerminalEndsAnApplyAsCanceledAndLeavesNoPlan) {
  std::filesystem::create_directory(directory_ / "tmp");
  variables_ = {"TMPDIR=" + (directory_ / "tmp")};
  auto program = Begin({"--auto-apply"}, {"-var=delay=30"});
  ASSERT_NE(program->WaitForLine("Executing"), "");
  EXPECT_FALSE(std::filesystem::is_empty(directory_ / "tmp"));
  program->Send(SIGHUP);
  EXPECT_EQ(program->Wait(), 3) << program->out() << program->err();
  EXPECT_EQ(Rung(1), "run:errored/canceled");
  EXPECT_TRUE(std::filesystem::is_empty(directory_ / "tmp"));
}

TEST_F(Terraform, AYesTypedAtATerminalApproves) {
  PseudoTerminal terminal;
  terminal_ = terminal.fd();
  auto program = Begin({});
  EXPECT_EQ(Rung(1), "run:needs_attention/approval");
  ASSERT_NE(program->WaitForLine("waits"), "");
  terminal.Type("yes\r");
  EXPECT_EQ(program->Wait(), 0) << program->out() << program->err();
  EXPECT_EQ(Rung(2), "run:completed/applied");
}

// OpenTofu speaks Terraform's language; what is tested is that its name works.
TEST_F(Terraform, TofuIsWrappedByItsName) {
  std::ofstream(directory_ / "tofu") << "#!/bin/sh\nexec terraform \"$@\"\n";
  std::filesystem::permissions(directory_ / "tofu", std::filesystem::perms::owner_all);
  variables_ = {"PATH=" + directory_.path() + ":" +
                std::filesystem::path(FindTool("terraform")).parent_path().string() + ":/usr/bin:/bin"};
  tool_ = "tofu";
  EXPECT_EQ(Run({"--auto-apply"}), 0) << said_;
  EXPECT_EQ(Rung(1), "run:completed/applied");
}

TEST_F(Terraform, AnUnreachableServerDoesNotStopARunThatNeedsNoApproval) {
  const std::string url = server_.url();
  ASSERT_EQ(server_.Stop(), 0);
  EXPECT_EQ(Run({"--auto-apply", "--report-timeout", "100ms"}), 0) << said_;
  EXPECT_NE(said_.find("could not be delivered"), std::string::npos) << said_;
  EXPECT_EQ(Run({"--auto-apply", "--require-server"}), 5) << said_;
  EXPECT_EQ(receiver_.RequestCount(), 0u);
}

}  // namespace
}  // namespace testing_support
