#include "support/wrapper_fixture.h"

namespace runner {
namespace {

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

TEST_F(WrapperTest, AnAddressIsReportedMaskedAndInOneLine) {
  Put("show.json", R"({"format_version":"1.2","applyable":true,"variables":{"k":{"value":"hunter2"}},"configuration":)"
                   R"({"root_module":{"variables":{"k":{"sensitive":true}}}},"resource_changes":[)"
                   R"({"address":"a[\"hunter2\\n\u202e\"]","change":{"actions":["create"]}}]})");
  api_.When(Status::kPlanned, [&] { api_.Act(Action::kDiscard); });
  Run();
  EXPECT_EQ(base::FormatJson(api_.Attributes("planned").at("changed-addresses")),
            R"([{"address":"a[\"(sensitive)\\n\\u{202e}\"]","action":"create"}])");
}

TEST_F(WrapperTest, WithoutThePlansMarksNoTextLeaves) {
  options_.auto_apply = true;
  Put("show.json", "broken");
  Apply("apply-error.jsonl", 1);
  EXPECT_EQ(Run(), kExitFailed);
  EXPECT_FALSE(api_.Attributes("errored").contains("error-summary"));
  EXPECT_FALSE(api_.Attributes("planned").contains("changed-addresses"));
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
