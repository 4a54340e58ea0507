// How the wrapper gets on with the server: queues, outages, refusals, signs of life.
#include "support/wrapper_fixture.h"

namespace runner {
namespace {

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

}  // namespace
}  // namespace runner
