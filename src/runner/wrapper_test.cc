#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "runner/fake_api.h"
#include "runner/runner.h"
#include "support/manual_clock.h"
#include "support/pseudo_terminal.h"

namespace runner {
namespace {

using run::Action;
using run::Status;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing_support::ManualClock;
using testing_support::PseudoTerminal;
namespace fs = std::filesystem;

const std::string kStreams = RB_SOURCE_DIR "/tests/data/terraform-streams/";

std::string ReadFile(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream all;
  all << file.rdbuf();
  return all.str();
}

// A stand-in for terraform: a shell script that replays recorded streams and notes how it was called.
constexpr std::string_view kTool = R"sh(#!/bin/sh
here=$(dirname "$0")
echo "$@" >> "$here/calls"
command=$1
for last in "$@"; do case $last in -out=*) plan=${last#-out=};; esac; done
case $command in
  init) echo "Initializing..."; if [ -f "$here/init.fails" ]; then cat "$here/init.fails" >&2; exit 1; fi;;
  plan)
    [ -f "$here/plan.env" ] && env > "$here/plan.env"
    cat "$here/plan.jsonl"
    [ -f "$here/plan.waits" ] && . "$here/plan.waits"
    echo plan > "$plan"
    stat -c %a "$(dirname "$plan")" > "$here/plan.mode"
    exit $(cat "$here/plan.exit");;
  show) cat "$here/show.json";;
  apply)
    [ "$(cat "$last")" = plan ] || exit 9
    [ -f "$here/apply.waits" ] && . "$here/apply.waits"
    cat "$here/apply.jsonl"; exit $(cat "$here/apply.exit");;
esac
)sh";

class WrapperTest : public testing::Test {
 protected:
  WrapperTest() : api_(still_clock_) {
    std::string path = (fs::temp_directory_path() / "wrapper_test.XXXXXX").string();
    EXPECT_NE(mkdtemp(path.data()), nullptr);
    dir_ = path;
    fs::create_directory(dir_ / "tmp");
    Put("terraform", kTool);
    fs::permissions(dir_ / "terraform", fs::perms::owner_all);
    Plan("plan-changes.jsonl", 2);
    Replay("show.json", "plan-changes.show.json");
    Apply("apply-ok.jsonl", 0);
    api_.AddPlaces();
    options_.environment = "prod";
    options_.workspace = "net";
    options_.command = {(dir_ / "terraform").string()};
    options_.temp_directory = dir_ / "tmp";
    options_.last_words = base::Micros(int64_t{1} << 60);
  }
  ~WrapperTest() override {
    if (clock_thread_.joinable()) clock_thread_.join();
    fs::remove_all(dir_);
  }

  void Put(const std::string& name, std::string_view text) { std::ofstream(dir_ / name, std::ios::binary) << text; }
  void Replay(const std::string& name, const std::string& recorded) { Put(name, ReadFile(kStreams + recorded)); }
  void Plan(const std::string& recorded, int exit) {
    Replay("plan.jsonl", recorded);
    Put("plan.exit", std::to_string(exit));
  }
  void Apply(const std::string& recorded, int exit) {
    Replay("apply.jsonl", recorded);
    Put("apply.exit", std::to_string(exit));
  }
  // The apply prints the beginning of a recorded stream, then waits until SIGINT, each one noted, and prints the rest.
  void ApplyUntilInterrupted() {
    std::istringstream all(ReadFile(kStreams + "apply-sigint.jsonl"));
    std::string line, head, tail;
    for (int i = 0; std::getline(all, line); ++i) (i < 8 ? head : tail) += line + "\n";
    Put("head.jsonl", head);
    Put("apply.jsonl", tail);
    Put("apply.exit", "1");
    Put("apply.waits",
        "trap 'echo INT >> \"$here/signals\"; go=1' INT\ncat \"$here/head.jsonl\"\n"
        "while [ -z \"$go\" ]; do sleep 0.02; done\n");
  }
  std::string Calls() { return ReadFile(dir_ / "calls"); }

  std::unique_ptr<ApiClient> Connect(const std::string& token = "secret-token-of-the-test") {
    auto client = ApiClient::Make({.server = api_.url(), .token = base::Secret(token), .ca_file = {}}, still_clock_);
    EXPECT_TRUE(client);
    return std::move(*client);
  }

  int Run() {
    auto client = Connect();
    World world{clock_,
                *random_,
                [this](std::string_view text) { Take(out_, text); },
                [this](std::string_view text) { Take(err_, text); },
                terminal_,
                variables_};
    Wrapper wrapper(options_, *client, std::move(world));
    *wrapper_.Lock() = &wrapper;
    const int code = wrapper.Run();
    *wrapper_.Lock() = nullptr;
    return code;
  }
  void Interrupt() {
    auto wrapper = wrapper_.Lock();
    if (*wrapper) (*wrapper)->Interrupt();
  }
  // Moves the clock whenever somebody waits for it, until the run is over.
  int RunWithMovingClock() {
    std::atomic<bool> over = false;
    std::thread mover([&] {
      while (!over) {
        if (!clock_.AdvanceToNext()) std::this_thread::yield();
      }
    });
    const int code = Run();
    over = true;
    mover.join();
    return code;
  }
  void Take(base::Guarded<std::string>& to, std::string_view text) {
    *to.Lock() += text;
    to.NotifyAll();
    if (on_output_) on_output_(text);
  }
  void WaitForErr(const std::string& part) {
    auto text = err_.Lock();
    text.Wait([&] { return text->find(part) != std::string::npos; });
  }
  std::string out() { return *out_.Lock(); }
  std::string err() { return *err_.Lock(); }

  ManualClock clock_;        // the wrapper's
  ManualClock still_clock_;  // the network's: no request runs into its deadline while the other one is moved
  std::unique_ptr<base::Random> random_ = base::MakeSeededRandom(1);
  FakeApi api_;
  fs::path dir_;
  RunOptions options_;
  int terminal_ = -1;
  std::map<std::string, std::string> variables_;
  base::Guarded<std::string> out_, err_;
  base::Guarded<Wrapper*> wrapper_{nullptr};
  std::function<void(std::string_view)> on_output_;
  std::thread clock_thread_;
};

// ---- the straight ways ----

TEST_F(WrapperTest, AppliesByItselfAndReportsEachStep) {
  options_.auto_apply = true;
  options_.message = "Updated instance\n";
  EXPECT_EQ(Run(), kExitOk) << err();
  EXPECT_THAT(api_.reports(), ElementsAre("planning", "planned", "applying", "applied/applied"));
  EXPECT_EQ(base::StringAt(api_.created(), {"message"}), "Updated instance\n");
  EXPECT_EQ(base::StringAt(api_.created(), {"source"}), "cli");
  const base::json::value planned = api_.Attributes("planned");
  EXPECT_EQ(base::BoolAt(planned, {"has-changes"}), true);
  EXPECT_EQ(base::IntAt(planned, {"plan", "add"}), 2);
  EXPECT_EQ(base::FormatJson(*base::At(planned, {"changed-addresses"})),
            R"([{"address":"terraform_data.web[0]","action":"create"},)"
            R"({"address":"terraform_data.web[1]","action":"create"}])");
  const std::string text = out();
  EXPECT_THAT(text, HasSubstr("+ terraform_data.web[0]\n"));
  EXPECT_THAT(text, HasSubstr("Plan: 2 to add, 0 to change, 0 to destroy."));
  EXPECT_THAT(text, HasSubstr("terraform_data.web[0]: Creation complete after 0s"));
  EXPECT_THAT(text, HasSubstr("[1/2]"));
  EXPECT_THAT(text, HasSubstr("[2/2]"));
  EXPECT_THAT(text, HasSubstr("Apply complete! Resources: 2 added"));
  EXPECT_THAT(err(), IsEmpty());
}

TEST_F(WrapperTest, CallsTheToolAsItHasToBeCalled) {
  options_.auto_apply = true;
  options_.command.insert(options_.command.end(), {"plan", "-var", "a=b", "-parallelism=3", "-json"});
  Put("plan.env", "");
  ASSERT_EQ(setenv("RUNBELL_TOKEN", "token-in-the-environment", 1), 0);
  ASSERT_EQ(setenv("RUNBELL_SECRETS_KEY", "key-in-the-environment", 1), 0);
  EXPECT_EQ(Run(), kExitOk);
  unsetenv("RUNBELL_TOKEN");
  unsetenv("RUNBELL_SECRETS_KEY");
  std::istringstream calls(Calls());
  std::string init, plan, show, apply;
  std::getline(calls, init), std::getline(calls, plan), std::getline(calls, show), std::getline(calls, apply);
  EXPECT_EQ(init, "init -input=false -no-color");
  EXPECT_THAT(plan, HasSubstr("plan -var a=b -parallelism=3 -json -input=false -detailed-exitcode -out="));
  const std::string file = plan.substr(plan.find("-out=") + 5);
  EXPECT_EQ(show, "show -json " + file);
  EXPECT_EQ(apply, "apply -parallelism=3 -json -input=false " + file);
  const std::string environment = ReadFile(dir_ / "plan.env");
  for (const char* line : {"TF_IN_AUTOMATION=1", "TF_INPUT=0", "CHECKPOINT_DISABLE=1"}) {
    EXPECT_THAT(environment, HasSubstr(line));
  }
  EXPECT_THAT(environment, HasSubstr("PATH="));
  EXPECT_THAT(environment, Not(HasSubstr("in-the-environment")));
}

TEST_F(WrapperTest, TheSavedPlanIsPrivateAndGoneAtTheEnd) {
  options_.auto_apply = true;
  EXPECT_EQ(Run(), kExitOk);
  EXPECT_EQ(ReadFile(dir_ / "plan.mode"), "700\n");
  EXPECT_TRUE(fs::is_empty(dir_ / "tmp"));
}

TEST_F(WrapperTest, NothingToChangeEndsWithoutADecision) {
  Plan("plan-nochanges.jsonl", 0);
  Put("show.json", R"({"format_version":"1.2","applyable":false})");
  EXPECT_EQ(Run(), kExitOk);
  EXPECT_THAT(api_.reports(), ElementsAre("planning", "planned", "planned_and_finished/no_changes"));
  EXPECT_THAT(Calls(), Not(HasSubstr("apply")));
}

TEST_F(WrapperTest, PlanOnlyNeverApplies) {
  options_.plan_only = true;
  options_.auto_apply = true;
  EXPECT_EQ(Run(), kExitOk);
  EXPECT_THAT(api_.reports(), ElementsAre("planning", "planned", "planned_and_finished/plan_only"));
  EXPECT_EQ(base::BoolAt(api_.created(), {"is-dry"}), true);
  EXPECT_THAT(Calls(), Not(HasSubstr("apply")));
}

TEST_F(WrapperTest, ADestroySaysSoEverywhere) {
  options_.auto_apply = true;
  options_.command.emplace_back("-destroy");
  Apply("apply-destroy.jsonl", 0);
  EXPECT_EQ(Run(), kExitOk);
  EXPECT_EQ(base::BoolAt(api_.created(), {"is-destroy"}), true);
  EXPECT_THAT(Calls(), HasSubstr("plan -destroy -json"));
  EXPECT_EQ(api_.reports().back(), "applied/destroyed");
}

TEST_F(WrapperTest, TheWorkspaceMaySayThatRunsApplyByThemselves) {
  api_.SetAutoApply(true);
  EXPECT_EQ(Run(), kExitOk);
  EXPECT_FALSE(api_.created().contains("auto-apply"));
  EXPECT_EQ(api_.reports().back(), "applied/applied");
}

TEST_F(WrapperTest, InitCanBeLeftOut) {
  options_.init = false;
  options_.auto_apply = true;
  EXPECT_EQ(Run(), kExitOk);
  EXPECT_THAT(Calls(), Not(HasSubstr("init")));
}

TEST_F(WrapperTest, MissingPlacesAreMadeOnDemand) {
  options_.environment = "new env";
  options_.workspace = "fresh";
  options_.create = true;
  options_.auto_apply = true;
  EXPECT_EQ(Run(), kExitOk) << err();
  EXPECT_THAT(api_.created_places(), ElementsAre("environments/new env", "workspaces/fresh"));
}

// ---- failures of the tool ----

TEST_F(WrapperTest, AFailedPlanIsReportedWithItsError) {
  Plan("plan-missing-var.jsonl", 1);
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_THAT(api_.reports(), ElementsAre("planning", "errored/plan_failed"));
  EXPECT_THAT(base::StringAt(api_.Attributes("errored"), {"error-summary"}).value_or(""),
              HasSubstr("Error: No value for required variable (main.tf:2)"));
  EXPECT_THAT(out(), HasSubstr("No value for required variable"));
}

TEST_F(WrapperTest, BeforeThePlanNothingThatWasGivenLeavesInAnError) {
  variables_ = {{"TF_TOKEN_registry_example_com", "hunter2-token"}, {"TF_VAR_a", "hunter2-given"}};
  Put("init.fails", "Error: 401 for hunter2-token hunter2-given\n");
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_EQ(base::StringAt(api_.Attributes("errored"), {"error-summary"}), "Error: 401 for (sensitive) (sensitive)");
}

TEST_F(WrapperTest, AFailedApplyIsReportedMasked) {
  options_.auto_apply = true;
  variables_ = {{"DATABASE_PASSWORD", "other-secret"}};
  Put("apply.jsonl", R"({"@message":"x: hunter2 printed","type":"provision_progress"})"
                     "\nraw hunter2 and aHVudGVyMg==\n"
                     R"({"@message":"Error: failed with hunter2","type":"diagnostic","diagnostic":{"severity":"error",)"
                     R"("summary":"failed with hunter2","detail":"url http://u:hunter2@host/other-secret"}})"
                     "\n");
  Put("apply.exit", "1");
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_EQ(api_.reports().back(), "errored/apply_failed");
  EXPECT_EQ(base::StringAt(api_.Attributes("errored"), {"error-summary"}),
            "Error: failed with (sensitive): url http://u:(sensitive)@host/(sensitive)");
  for (const auto& text : {out(), err(), api_.everything_received()}) {
    EXPECT_THAT(text, Not(HasSubstr("hunter2")));
    EXPECT_THAT(text, Not(HasSubstr("aHVudGVyMg")));
  }
}

TEST_F(WrapperTest, WithoutThePlansMarksNoErrorTextLeaves) {
  options_.auto_apply = true;
  Put("show.json", "broken");
  Apply("apply-error.jsonl", 1);
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_FALSE(api_.Attributes("errored").contains("error-summary"));
  EXPECT_THAT(err(), HasSubstr("sensitivity marks cannot be read"));
  EXPECT_EQ(base::IntAt(api_.Attributes("planned"), {"plan", "add"}), 2) << "the stream has the counts as well";
}

TEST_F(WrapperTest, AStreamOfAnotherMajorVersionIsNotGuessedAt) {
  options_.auto_apply = true;
  Put("plan.jsonl", R"({"@message":"Terraform 9","terraform":"9","type":"version","ui":"2.0"})"
                    "\n");
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_EQ(api_.reports().back(), "errored/plan_failed");
  EXPECT_THAT(Calls(), Not(HasSubstr("apply")));
}

TEST_F(WrapperTest, ControlCharactersOfAProvisionerDoNotReachTheTerminal) {
  options_.auto_apply = true;
  Put("apply.jsonl", "\x1B]0;title\x07 evil \x1B[2J \x1B[1;32mgreen\x1B[0m\n");
  EXPECT_EQ(Run(), kExitOk);
  EXPECT_THAT(out(), Not(HasSubstr("\x1B")));
  EXPECT_THAT(out(), HasSubstr("evil  green\n"));
}

TEST_F(WrapperTest, AnAddressCannotLookLikeALineOfOurs) {
  options_.auto_apply = true;
  Put("plan.jsonl", R"({"@message":"x","change":{"action":"create","resource":{"addr":"a[\"\nrun run-FAKE\u202e\"]"}},)"
                    R"("type":"planned_change"})"
                    "\n");
  EXPECT_EQ(Run(), kExitOk);
  EXPECT_THAT(out(), HasSubstr(R"(a["\nrun run-FAKE\u{202e}"])"));
}

TEST_F(WrapperTest, AFailedApplyTellsWhatWasDoneAllTheSame) {
  options_.auto_apply = true;
  Apply("apply-error.jsonl", 1);
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_THAT(out(), HasSubstr("Apply stopped. Resources: 0 added, 0 changed, 2 destroyed."));
  EXPECT_THAT(out(), HasSubstr("Error: local-exec provisioner error (main.tf:18, terraform_data.web[0])"));
  EXPECT_THAT(out(), HasSubstr("errored (apply failed)"));
}

// ---- decisions ----

TEST_F(WrapperTest, WaitsUntilSomebodyAppliesItElsewhere) {
  api_.When(Status::kPlanned, [&] { api_.Act(Action::kApply); });
  EXPECT_EQ(Run(), kExitOk) << err();
  EXPECT_THAT(api_.reports(), ElementsAre("planning", "planned", "applying", "applied/applied"));
  EXPECT_THAT(out(), HasSubstr("/runs/run-v0aaaaaaaaaaaaa"));
  EXPECT_THAT(out(), HasSubstr("runbell approve run-v0aaaaaaaaaaaaa"));
}

TEST_F(WrapperTest, ADiscardEndsIt) {
  api_.When(Status::kPlanned, [&] { api_.Act(Action::kDiscard); });
  EXPECT_EQ(Run(), kExitDiscarded);
  EXPECT_THAT(api_.reports(), ElementsAre("planning", "planned"));
  EXPECT_THAT(Calls(), Not(HasSubstr("apply")));
  EXPECT_TRUE(fs::is_empty(dir_ / "tmp"));
}

TEST_F(WrapperTest, ATypedYesApplies) {
  PseudoTerminal terminal;
  terminal_ = terminal.fd();
  terminal.Type("yes\n");  // before the question: no answer to it
  bool asked = false;
  on_output_ = [&](std::string_view text) {
    if (!asked && text.find("type yes") != std::string_view::npos) {
      asked = true;
      EXPECT_THAT(api_.requests(), Not(Contains(HasSubstr("actions/apply"))));
      terminal.Type("maybe\nyes\n");
    }
  };
  EXPECT_EQ(Run(), kExitOk) << err();
  EXPECT_THAT(api_.requests(), Contains(HasSubstr("actions/apply")));
}

TEST_F(WrapperTest, ATypedNoDiscards) {
  PseudoTerminal terminal;
  terminal_ = terminal.fd();
  bool asked = false;
  on_output_ = [&](std::string_view text) {
    if (text.find("type yes") != std::string_view::npos && !std::exchange(asked, true)) terminal.Type("no\r\n");
  };
  EXPECT_EQ(Run(), kExitDiscarded);
}

TEST_F(WrapperTest, ATerminalThatIsClosedLeavesTheDecisionToOthers) {
  PseudoTerminal terminal;
  terminal_ = terminal.fd();
  bool asked = false;
  on_output_ = [&](std::string_view text) {
    if (text.find("type yes") == std::string_view::npos || std::exchange(asked, true)) return;
    terminal.HangUp();
    api_.Act(Action::kApply);
  };
  EXPECT_EQ(Run(), kExitOk) << err();
}

TEST_F(WrapperTest, ATypedYesOfATokenThatMayNotApproveChangesNothing) {
  PseudoTerminal terminal;
  terminal_ = terminal.fd();
  api_.SetMayApprove(false);
  bool asked = false, told = false;
  on_output_ = [&](std::string_view text) {
    if (text.find("type yes") != std::string_view::npos && !std::exchange(asked, true)) terminal.Type("yes\n");
    if (text.find("may not decide") != std::string_view::npos) {
      told = true;
      EXPECT_EQ(api_.facts().status, Status::kPlanned);
      api_.Act(Action::kApply);
    }
  };
  EXPECT_EQ(Run(), kExitOk);
  EXPECT_TRUE(told);
}

// ---- interrupts ----

TEST_F(WrapperTest, AnInterruptReachesTheToolOnceAndTheRunIsCanceled) {
  options_.auto_apply = true;
  ApplyUntilInterrupted();
  on_output_ = [&, sent = false](std::string_view text) mutable {
    if (text.find("Still creating") != std::string_view::npos && !std::exchange(sent, true)) Interrupt();
  };
  EXPECT_EQ(Run(), kExitCanceled);
  EXPECT_EQ(api_.reports().back(), "canceled/canceled");
  EXPECT_EQ(ReadFile(dir_ / "signals"), "INT\n");
}

TEST_F(WrapperTest, ACancelThroughTheServerReachesTheToolOnce) {
  options_.auto_apply = true;
  ApplyUntilInterrupted();
  on_output_ = [&, sent = false](std::string_view text) mutable {
    if (text.find("Still creating") != std::string_view::npos && !std::exchange(sent, true)) api_.Act(Action::kCancel);
  };
  EXPECT_EQ(Run(), kExitCanceled);
  EXPECT_EQ(api_.reports().back(), "canceled/canceled");
  EXPECT_EQ(ReadFile(dir_ / "signals"), "INT\n");
}

TEST_F(WrapperTest, AToolThatDidNotTakeTheInterruptHasFinishedItsWork) {
  options_.auto_apply = true;
  ApplyUntilInterrupted();
  Apply("apply-ok.jsonl", 0);
  on_output_ = [&, sent = false](std::string_view text) mutable {
    if (text.find("Still creating") != std::string_view::npos && !std::exchange(sent, true)) Interrupt();
  };
  EXPECT_EQ(Run(), kExitOk);
  EXPECT_EQ(api_.reports().back(), "applied/applied");
}

TEST_F(WrapperTest, AnInterruptWhileItWaitsCancels) {
  api_.When(Status::kPlanned, [&] { Interrupt(); });
  EXPECT_EQ(Run(), kExitCanceled);
  EXPECT_THAT(api_.reports(), ElementsAre("planning", "planned", "canceled/canceled"));
}

TEST_F(WrapperTest, AnInterruptDuringThePlanStopsBeforeAnythingChanges) {
  options_.auto_apply = true;
  Put("plan.waits", "kill -INT $$\n");  // as if it came before the tool could handle it
  on_output_ = [&, sent = false](std::string_view text) mutable {
    if (text.find("Plan: 2 to add") != std::string_view::npos && !std::exchange(sent, true)) Interrupt();
  };
  EXPECT_EQ(Run(), kExitCanceled);
  EXPECT_THAT(api_.reports(), ElementsAre("planning", "canceled/canceled"));
}

// ---- the queue ----

TEST_F(WrapperTest, WaitsForItsTurnInTheWorkspace) {
  options_.auto_apply = true;
  api_.SetBusy(true);
  std::thread other([&] {
    WaitForErr("waits for its turn");
    EXPECT_THAT(Calls(), IsEmpty());
    api_.SetBusy(false);
  });
  EXPECT_EQ(Run(), kExitOk);
  other.join();
  EXPECT_THAT(api_.reports(), ElementsAre("planning", "planned", "applying", "applied/applied"));
}

TEST_F(WrapperTest, ADiscardInTheQueueEndsIt) {
  api_.SetBusy(true);
  std::thread other([&] {
    WaitForErr("waits for its turn");
    api_.Act(Action::kDiscard);
  });
  EXPECT_EQ(Run(), kExitDiscarded);
  other.join();
  EXPECT_THAT(Calls(), IsEmpty());
}

TEST_F(WrapperTest, ARunThatWasDeclaredLostInTheQueueComesBackAndWaitsOn) {
  options_.auto_apply = true;
  api_.SetBusy(true);
  std::thread server([&] {
    WaitForErr("waits for its turn");
    api_.Act(Action::kLose);
    api_.WaitForReports(1);  // the way back
    EXPECT_EQ(api_.facts().status, Status::kPending);
    api_.SetBusy(false);
  });
  EXPECT_EQ(Run(), kExitOk) << err();
  server.join();
  EXPECT_THAT(api_.reports(), ElementsAre("pending", "planning", "planned", "applying", "applied/applied"));
}

TEST_F(WrapperTest, ReportsThatWaitInTheQueueDoNotSilenceTheRun) {
  options_.auto_apply = true;
  api_.SetDown(true);
  api_.SetBusy(true);
  std::atomic<bool> over = false;
  std::thread server([&] {
    const auto move_until = [&](const std::function<bool()>& reached) {
      while (!reached()) clock_.Advance(base::Micros(1'000'000));
    };
    WaitForErr("trying for");
    EXPECT_THAT(Calls(), HasSubstr("apply"));
    api_.SetDown(false);
    move_until([&] { return api_.heartbeats() >= 3; });
    api_.Act(Action::kLose);
    move_until([&] { return !api_.reports().empty(); });  // the way back
    api_.SetBusy(false);
    move_until([&] { return over.load(); });
  });
  EXPECT_EQ(Run(), kExitOk) << err();
  over = true;
  server.join();
  EXPECT_THAT(api_.reports(), ElementsAre("pending", "planning", "planned", "applying", "applied/applied"));
}

// ---- a server that cannot be reached ----

TEST_F(WrapperTest, GoesOnWithoutTheServerAndDeliversLater) {
  options_.auto_apply = true;
  api_.SetDown(true);
  on_output_ = [&](std::string_view text) {
    if (text.find("Apply complete") != std::string_view::npos) api_.SetDown(false);
  };
  EXPECT_EQ(RunWithMovingClock(), kExitOk);
  EXPECT_THAT(api_.reports(), ElementsAre("planning", "planned", "applying", "applied/applied"));
  EXPECT_THAT(err(), HasSubstr("reports are kept"));
  EXPECT_THAT(err(), HasSubstr("the server has all reports now"));
}

TEST_F(WrapperTest, AnAnswerThatIsLostDoublesNeitherRunNorReport) {
  options_.auto_apply = true;
  api_.LoseAnswers("s", 4);  // of runs and of status-transitions
  EXPECT_EQ(RunWithMovingClock(), kExitOk);
  EXPECT_EQ(api_.runs_made(), 1);
  EXPECT_THAT(api_.reports(), ElementsAre("planning", "planned", "applying", "applied/applied"));
}

TEST_F(WrapperTest, RequiringTheServerFailsBeforePlanning) {
  options_.require_server = true;
  options_.auto_apply = true;
  api_.SetDown(true);
  EXPECT_EQ(Run(), kExitUnreachable);
  EXPECT_THAT(Calls(), IsEmpty());
  EXPECT_THAT(out(), HasSubstr("nothing was run"));
}

TEST_F(WrapperTest, AnUnreachableServerNeverMeansApproved) {
  PseudoTerminal terminal;
  terminal_ = terminal.fd();
  terminal.Type("yes\n");
  api_.SetDownAfter("status-transitions");
  std::thread person([&] {
    WaitForErr("reports are kept");
    api_.WaitForRequest("status-transitions");
    EXPECT_THAT(Calls(), Not(HasSubstr("apply")));
    api_.When(Status::kPlanned, [&] { api_.Act(Action::kApply); });
    api_.SetDown(false);
  });
  EXPECT_EQ(RunWithMovingClock(), kExitOk) << err();
  person.join();
  EXPECT_THAT(api_.reports(), ElementsAre("planning", "planned", "applying", "applied/applied"));
}

TEST_F(WrapperTest, ReportsThatStayUndeliveredAreAnnounced) {
  options_.auto_apply = true;
  options_.last_words = base::Micros(120'000'000);
  api_.SetDown(true);
  EXPECT_EQ(RunWithMovingClock(), kExitOk);
  EXPECT_THAT(err(), HasSubstr("4 report(s) could not be delivered"));
}

TEST_F(WrapperTest, AnInterruptAfterTheEndStopsTheLastAttempts) {
  options_.auto_apply = true;
  api_.SetDown(true);
  on_output_ = [&](std::string_view text) {
    if (text.find("interrupt to stop") == std::string_view::npos) return;
    clock_thread_ = std::thread([this] { Interrupt(); });
  };
  EXPECT_EQ(Run(), kExitOk);
  EXPECT_THAT(err(), HasSubstr("could not be delivered"));
}

// ---- what the server refuses ----

TEST_F(WrapperTest, AMissingWorkspaceIsSaidBeforeAnythingHappens) {
  options_.workspace = "nowhere";
  EXPECT_EQ(Run(), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("there is no workspace nowhere"));
  EXPECT_THAT(Calls(), IsEmpty());
}

TEST_F(WrapperTest, AWrongTokenIsSaidBeforeAnythingHappens) {
  api_.SetToken("another");
  EXPECT_EQ(Run(), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("does not accept the token"));
  EXPECT_THAT(err(), Not(HasSubstr("secret-token-of-the-test")));
  EXPECT_THAT(Calls(), IsEmpty());
}

TEST_F(WrapperTest, WrongUseIsSaidBeforeTheServerIsAsked) {
  for (const auto& command : std::vector<std::vector<std::string>>{
           {},
           {"no-such-tool-anywhere"},
           {options_.command[0], "-out=mine"},
           {options_.command[0], "-out", "mine"},
           {options_.command[0], "-json=false"},
           {options_.command[0], "--detailed-exitcode=false"},
           {options_.command[0], "-input=true"},
       }) {
    options_.command = command;
    EXPECT_EQ(Run(), kExitUsage);
  }
  EXPECT_THAT(api_.requests(), IsEmpty());
}

// ---- signs of life ----

TEST_F(WrapperTest, AWaitingRunGivesSignsOfLife) {
  std::thread person([&] {
    api_.WaitForReports(2);
    api_.WaitForHeartbeats(api_.heartbeats() + 3);
    api_.Act(Action::kApply);
  });
  const auto start = clock_.Now();
  EXPECT_EQ(RunWithMovingClock(), kExitOk);
  person.join();
  EXPECT_GE(clock_.Now() - start, 3 * options_.heartbeat);
  EXPECT_THAT(api_.reports(), ElementsAre("planning", "planned", "applying", "applied/applied"));
}

TEST_F(WrapperTest, ARunThatWasDeclaredLostComesBackAndGoesOn) {
  std::thread server([&] {
    api_.WaitForReports(2);
    api_.Act(Action::kLose);
    api_.WaitForReports(3);  // the way back
    api_.Act(Action::kApply);
  });
  EXPECT_EQ(Run(), kExitOk);
  server.join();
  EXPECT_THAT(api_.reports(), ElementsAre("planning", "planned", "planned", "applying", "applied/applied"));
}

// ---- output for programs ----

TEST_F(WrapperTest, JsonLinesTellTheSame) {
  options_.auto_apply = true;
  options_.json = true;
  EXPECT_EQ(Run(), kExitOk);
  std::istringstream lines(out());
  std::vector<std::string> types;
  base::json::value last;
  for (std::string line; std::getline(lines, line);) {
    auto parsed = base::ParseJson(line);
    ASSERT_TRUE(parsed) << line;
    types.push_back(base::StringAt(*parsed, {"type"}).value_or(""));
    last = *parsed;
  }
  EXPECT_THAT(types, Contains("run"));
  EXPECT_THAT(types, Contains("resource"));
  EXPECT_THAT(types, Contains("summary"));
  EXPECT_EQ(base::FormatJson(last), R"({"type":"end","status":"applied","reason":"applied","exit_code":0})");
  EXPECT_THAT(err(), IsEmpty());
}

}  // namespace
}  // namespace runner
