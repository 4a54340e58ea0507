#include "proc/proc.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <thread>

#include "support/manual_clock.h"

namespace proc {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing_support::ManualClock;

Command Shell(std::string script) {
  Command command;
  command.argv = {"sh", "-c", std::move(script)};
  return command;
}

Finished RunOk(Command command, size_t max_bytes = size_t{64} << 20) {
  ManualClock clock;
  auto finished = Run(clock, std::move(command), max_bytes);
  if (!finished) {
    ADD_FAILURE() << finished.error().Text();
    return {};
  }
  return *std::move(finished);
}

base::Error ErrorOf(Command command) {
  ManualClock clock;
  auto finished = Run(clock, std::move(command));
  EXPECT_FALSE(finished);
  return finished ? base::Error(base::Code::kInternal, "") : finished.error();
}

size_t OpenDescriptors() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

class TempDir {
 public:
  TempDir() {
    std::string path = (std::filesystem::temp_directory_path() / "proc_test.XXXXXX").string();
    EXPECT_NE(mkdtemp(path.data()), nullptr);
    path_ = path;
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

TEST(Proc, CollectsBothOutputsAndTheExitCode) {
  auto finished = RunOk(Shell("echo out; echo err >&2; exit 7"));
  EXPECT_EQ(finished.out, "out\n");
  EXPECT_EQ(finished.err, "err\n");
  EXPECT_EQ(finished.exit.code, 7);
  EXPECT_EQ(finished.exit.signal, 0);
  EXPECT_FALSE(finished.exit.timed_out);
  EXPECT_FALSE(finished.cut);
}

TEST(Proc, ArgumentsArePassedAsTheyAre) {
  Command command;
  command.argv = {"printf", "%s|", "a b", "$HOME", "*", "", "\"quoted\"\n"};
  EXPECT_EQ(RunOk(command).out, "a b|$HOME|*||\"quoted\"\n|");
}

TEST(Proc, FeedsInputThenEndOfFile) {
  Command command;
  command.argv = {"cat"};
  EXPECT_EQ(RunOk(command).out, "");
  command.input = "some text\nwithout newline";
  EXPECT_EQ(RunOk(command).out, command.input);
  command.input.assign(3 << 20, 'x');
  EXPECT_EQ(RunOk(command).out.size(), command.input.size());
}

TEST(Proc, AChildThatIgnoresItsInputIsNoProblem) {
  Command command = Shell("exec 0<&-; echo done");
  command.input.assign(4 << 20, 'x');
  EXPECT_EQ(RunOk(command).out, "done\n");
}

TEST(Proc, ManyBytesOnBothOutputsAtOnceDoNotDeadlock) {
  auto finished = RunOk(Shell("head -c 3000000 /dev/zero >&2 & head -c 3000000 /dev/zero; wait"));
  EXPECT_EQ(finished.out.size(), 3'000'000u);
  EXPECT_EQ(finished.err.size(), 3'000'000u);
}

TEST(Proc, KeptOutputIsBounded) {
  auto finished = RunOk(Shell("head -c 100000 /dev/zero; echo err >&2"), 1000);
  EXPECT_EQ(finished.out.size(), 1000u);
  EXPECT_EQ(finished.err, "err\n");
  EXPECT_TRUE(finished.cut);
  EXPECT_EQ(finished.exit.code, 0);
}

TEST(Proc, OutputArrivesWhileTheChildRuns) {
  ManualClock clock;
  auto child = Child::Start(clock, Shell("echo first; trap 'echo second; exit 0' USR1; while :; do sleep 0.01; done"));
  ASSERT_TRUE(child);
  std::string seen;
  auto exit = (*child)->Wait(
      [&](std::string_view bytes) {
        seen += bytes;
        if (seen == "first\n") (*child)->Send(SIGUSR1);
      },
      {});
  // The trap may not be set yet when the first line is read; then the signal ends the child.
  if (exit.signal == 0) {
    EXPECT_EQ(seen, "first\nsecond\n");
  } else {
    EXPECT_EQ(exit.signal, SIGUSR1);
  }
}

TEST(Proc, RunsInTheGivenDirectory) {
  TempDir dir;
  Command command;
  command.argv = {"pwd", "-P"};
  command.directory = dir.path();
  EXPECT_EQ(RunOk(command).out, std::filesystem::canonical(dir.path()).string() + "\n");
}

TEST(Proc, APathIsSeenFromHereNotFromTheDirectory) {
  TempDir dir;
  std::ofstream(dir.path() / "tool") << "#!/bin/sh\necho tool in $(pwd -P)\n";
  std::filesystem::permissions(dir.path() / "tool", std::filesystem::perms::owner_all);
  Command command;
  command.argv = {std::filesystem::relative(dir.path() / "tool").string()};
  command.directory = "/";
  EXPECT_EQ(RunOk(command).out, "tool in /\n");
}

TEST(Proc, EnvironmentIsInheritedAndExtended) {
  ASSERT_EQ(setenv("RB_PROC_TEST", "inherited", 1), 0);
  EXPECT_EQ(RunOk(Shell("echo $RB_PROC_TEST")).out, "inherited\n");
  Command command = Shell("echo $RB_PROC_TEST $RB_MORE");
  command.extra_environment = {"RB_PROC_TEST=over", "RB_MORE=more=x"};
  EXPECT_EQ(RunOk(command).out, "over more=x\n");
  unsetenv("RB_PROC_TEST");
}

TEST(Proc, ACleanEnvironmentKeepsOnlyWhatProgramsNeed) {
  ASSERT_EQ(setenv("RB_PROC_TEST", "inherited", 1), 0);
  Command command;
  command.argv = {"env"};
  command.clean_environment = true;
  command.extra_environment = {"RB_MORE=1"};
  auto out = RunOk(command).out;
  EXPECT_THAT(out, HasSubstr("PATH="));
  EXPECT_THAT(out, HasSubstr("RB_MORE=1"));
  EXPECT_THAT(out, Not(HasSubstr("RB_PROC_TEST")));
  unsetenv("RB_PROC_TEST");
}

TEST(Proc, WhatCannotBeStartedSaysWhy) {
  Command missing;
  missing.argv = {"no-such-program-anywhere"};
  EXPECT_EQ(ErrorOf(missing).code, base::Code::kNotFound);
  EXPECT_THAT(ErrorOf(missing).message, HasSubstr("no-such-program-anywhere"));
  EXPECT_EQ(ErrorOf(Command()).code, base::Code::kInvalid);
  Command nowhere = Shell("true");
  nowhere.directory = "/no/such/directory";
  EXPECT_EQ(ErrorOf(nowhere).code, base::Code::kInvalid);
  EXPECT_THAT(ErrorOf(nowhere).message, HasSubstr("/no/such/directory: No such file or directory"));
  Command nul = Shell(std::string("a\0b", 3));
  EXPECT_EQ(ErrorOf(nul).code, base::Code::kInvalid);
  TempDir dir;
  std::ofstream(dir.path() / "broken") << "not a program";
  std::filesystem::permissions(dir.path() / "broken", std::filesystem::perms::owner_all);
  Command broken;
  broken.argv = {dir.path() / "broken"};
  EXPECT_EQ(ErrorOf(broken).code, base::Code::kUnavailable);
}

TEST(Proc, FindsProgramsAsAShellDoes) {
  auto sh = FindProgram("sh");
  ASSERT_TRUE(sh);
  EXPECT_TRUE(sh->starts_with("/"));
  EXPECT_EQ(FindProgram(*sh), sh);
  EXPECT_EQ(FindProgram("no-such-program-anywhere"), std::nullopt);
  EXPECT_EQ(FindProgram(""), std::nullopt);
  EXPECT_EQ(FindProgram("/etc/passwd"), std::nullopt) << "not executable";
  EXPECT_EQ(FindProgram("/tmp"), std::nullopt) << "a directory";
}

TEST(Proc, ASignalEndsTheChildAndIsNamed) {
  auto finished = RunOk(Shell("kill -KILL $$"));
  EXPECT_EQ(finished.exit.code, -1);
  EXPECT_EQ(finished.exit.signal, SIGKILL);
  EXPECT_EQ(finished.exit.Text(), "signal 9 (SIGKILL)");
  EXPECT_EQ(RunOk(Shell("exit 1")).exit.Text(), "exit code 1");
}

TEST(Proc, SendReachesTheChildFromAnotherThreadAndIsHarmlessAfterwards) {
  ManualClock clock;
  auto child = Child::Start(clock, Shell("echo ready; exec sleep 1000"));
  ASSERT_TRUE(child);
  std::thread sender;
  auto exit = (*child)->Wait(
      [&](std::string_view) {
        if (!sender.joinable()) sender = std::thread([&] { (*child)->Send(SIGINT); });
      },
      {});
  sender.join();
  EXPECT_EQ(exit.signal, SIGINT);
  (*child)->Send(SIGKILL);
}

TEST(Proc, AnIgnoredOrBlockedSignalOfTheParentIsNotInherited) {
  auto before = signal(SIGINT, SIG_IGN);
  sigset_t term, old;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &term, &old);
  EXPECT_EQ(RunOk(Shell("kill -INT $$; echo survived")).exit.signal, SIGINT);
  EXPECT_EQ(RunOk(Shell("kill -TERM $$; echo survived")).exit.signal, SIGTERM);
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  signal(SIGINT, before);
}

TEST(Proc, TheChildLeadsAProcessGroupOfItsOwn) {
  auto out = RunOk(Shell("echo $$; cut -d' ' -f5 /proc/$$/stat")).out;
  auto newline = out.find('\n');
  EXPECT_EQ(out.substr(0, newline), out.substr(newline + 1, out.size() - newline - 2));
}

TEST(Proc, TheChildInheritsNoOtherDescriptors) {
  // Without O_CLOEXEC, as a careless library opens it; high, because the shell itself needs low ones to list them.
  const int leaky = fcntl(STDOUT_FILENO, F_DUPFD, 200);
  ASSERT_GE(leaky, 200);
  auto out = RunOk(Shell("for f in /proc/$$/fd/*; do echo fd ${f##*/}; done")).out;
  EXPECT_THAT(out, HasSubstr("fd 2\n"));
  EXPECT_THAT(out, Not(HasSubstr("fd " + std::to_string(leaky) + "\n")));
  close(leaky);
}

TEST(Proc, WorksWhenTheParentsOwnStandardInputIsClosed) {
  const int saved = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 10);
  close(STDIN_FILENO);
  Command command;
  command.argv = {"cat"};
  command.input = "hello";
  auto finished = RunOk(command);
  dup2(saved, STDIN_FILENO);
  close(saved);
  EXPECT_EQ(finished.out, "hello");
}

TEST(Proc, LeavesNoDescriptorsAndNoZombies) {
  RunOk(Shell("true"));
  const size_t before = OpenDescriptors();
  for (int i = 0; i < 20; ++i) {
    RunOk(Shell("echo x; exit 1"));
    EXPECT_EQ(ErrorOf(Shell(std::string("\0", 1))).code, base::Code::kInvalid);
    Command nowhere = Shell("true");
    nowhere.directory = "/no/such/directory";
    EXPECT_EQ(ErrorOf(nowhere).code, base::Code::kInvalid);
    ManualClock clock;
    auto dropped = Child::Start(clock, Shell("sleep 1000"));
    ASSERT_TRUE(dropped);
  }
  EXPECT_EQ(OpenDescriptors(), before);
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(Proc, ADroppedChildIsKilledWithItsGroup) {
  ManualClock clock;
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  TempDir dir;
  ASSERT_EQ(mkfifo((dir.path() / "alive").c_str(), 0600), 0);
  {
    auto child = Child::Start(clock, Shell("sleep 1000 > " + (dir.path() / "alive").string() + " & wait"));
    ASSERT_TRUE(child);
    // Opens when the grandchild has opened the other end; reads end of file when every writer is gone.
    close(ends[0]);
    ends[0] = open((dir.path() / "alive").c_str(), O_RDONLY);
    ASSERT_GE(ends[0], 0);
  }
  char byte = 0;
  EXPECT_EQ(read(ends[0], &byte, 1), 0);
  close(ends[0]);
  close(ends[1]);
}

TEST(Proc, TheTimeLimitAsksFirst) {
  ManualClock clock;
  Command command = Shell("echo ready; exec sleep 1000");
  command.time_limit = base::Micros(5'000'000);
  auto child = Child::Start(clock, command);
  ASSERT_TRUE(child);
  std::thread mover;
  auto exit = (*child)->Wait(
      [&](std::string_view) { mover = std::thread([&] { clock.Advance(base::Micros(5'000'000)); }); }, {});
  mover.join();
  EXPECT_TRUE(exit.timed_out);
  EXPECT_EQ(exit.signal, SIGTERM);
  EXPECT_EQ(exit.Text(), "time limit passed, signal 15 (SIGTERM)");
  EXPECT_EQ(clock.PendingTimers(), 0u);
}

TEST(Proc, TheTimeLimitInsistsWhenTheChildDoesNotListen) {
  ManualClock clock;
  Command command = Shell("trap '' TERM; echo ready; while :; do sleep 1000; done");
  command.time_limit = base::Micros(5'000'000);
  command.kill_after = base::Micros(2'000'000);
  auto child = Child::Start(clock, command);
  ASSERT_TRUE(child);
  std::thread mover;
  auto exit = (*child)->Wait(
      [&](std::string_view) {
        mover = std::thread([&] {
          clock.Advance(base::Micros(5'000'000));
          EXPECT_TRUE(clock.WaitForTimers(1));
          clock.Advance(base::Micros(2'000'000));
        });
      },
      {});
  mover.join();
  EXPECT_TRUE(exit.timed_out);
  EXPECT_EQ(exit.signal, SIGKILL);
}

TEST(Proc, AChildThatEndsInTimeLeavesNoTimer) {
  ManualClock clock;
  Command command = Shell("exit 3");
  command.time_limit = base::Micros(5'000'000);
  auto finished = proc::Run(clock, command);
  ASSERT_TRUE(finished);
  EXPECT_EQ(finished->exit.code, 3);
  EXPECT_FALSE(finished->exit.timed_out);
  EXPECT_EQ(clock.PendingTimers(), 0u);
}

TEST(Proc, AProcessLeftBehindDoesNotHoldUpTheEnd) {
  ManualClock clock;
  auto child = Child::Start(clock, Shell("(trap '' TERM; echo $$ >/dev/null; sleep 1000) & echo parent; exit 0"));
  ASSERT_TRUE(child);
  const int group = (*child)->pid();
  std::string out;
  auto exit = (*child)->Wait([&](std::string_view bytes) { out += bytes; }, {});
  EXPECT_EQ(exit.code, 0);
  EXPECT_EQ(out, "parent\n");
  kill(-group, SIGKILL);
}

TEST(Proc, AChildEndsWhenWhoeverStartedItDies) {
  ManualClock clock;
  std::unique_ptr<Child> child;
  std::thread parent([&] {
    auto started = Child::Start(clock, Shell("exec sleep 1000"));
    if (started) child = *std::move(started);
  });
  parent.join();
  ASSERT_TRUE(child);
  EXPECT_EQ(child->Wait({}, {}).signal, SIGTERM);
}

TEST(Proc, ChildrenOfSeveralThreadsDoNotHoldEachOthersPipes) {
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        Command command;
        command.argv = {"cat"};
        command.input = std::to_string(t) + "/" + std::to_string(i);
        ManualClock clock;
        auto finished = proc::Run(clock, command);
        if (finished && finished->out == command.input) ++right;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(right, 40);
}

}  // namespace
}  // namespace proc
