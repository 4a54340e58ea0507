// Between fork and exec the child is a copy of a process with threads: locks may be held by threads that do not exist
// in it. So everything that allocates is made ready before, and the child makes only calls that are safe in a signal
// handler. What fails there is told through a pipe that exec closes.
#include "proc/spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace proc {
namespace {

using base::Error;
using base::Result;

enum class Stage : int { kSetUp, kDirectory, kExec };
struct Failure {
  Stage stage = Stage::kSetUp;
  int error = 0;
};

struct Pipe {
  Fd read, write;
};

// Descriptors 0 to 2 are overwritten in the child, so ours must not be among them.
Result<Fd> AboveStandard(int fd) {
  if (fd < 0) return SystemError("open a descriptor for the child", errno);
  if (fd > STDERR_FILENO) return Fd(fd);
  Fd low(fd);
  Fd high(fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!high) return SystemError("open a descriptor for the child", errno);
  return high;
}

Result<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return SystemError("make a pipe", errno);
  auto read = AboveStandard(ends[0]);
  auto write = AboveStandard(ends[1]);
  if (!read) return std::move(read).error();
  if (!write) return std::move(write).error();
  return Pipe{std::move(*read), std::move(*write)};
}

// Standard input is a file in memory: the child reads it at its own pace and nobody has to feed it.
Result<Fd> MakeInput(const std::string& input) {
  if (input.empty()) return AboveStandard(open("/dev/null", O_RDONLY | O_CLOEXEC));
  RB_ASSIGN(Fd file, AboveStandard(memfd_create("input", MFD_CLOEXEC)));
  for (size_t done = 0; done < input.size();) {
    const ssize_t written = write(file.get(), input.data() + done, input.size() - done);
    if (written < 0 && errno != EINTR) return SystemError("write the child's input", errno);
    if (written > 0) done += static_cast<size_t>(written);
  }
  if (lseek(file.get(), 0, SEEK_SET) != 0) return SystemError("rewind the child's input", errno);
  return file;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (auto& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

struct ChildPlan {
  const char* program = nullptr;
  char* const* argv = nullptr;
  char* const* environment = nullptr;
  const char* directory = nullptr;  // null: here
  int in = -1, out = -1, err = -1, failure = -1;
  pid_t parent = 0;
};

[[noreturn]] void FailInChild(const ChildPlan& plan, Stage stage) {
  const Failure failure{stage, errno};
  [[maybe_unused]] const ssize_t written = write(plan.failure, &failure, sizeof failure);
  _exit(127);
}

// An ignored signal stays ignored across exec, and a child that ignores SIGINT cannot be interrupted.
void ResetSignals() {
  struct sigaction fallback {};
  fallback.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) sigaction(signal, &fallback, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

[[noreturn]] void RunChild(const ChildPlan& plan) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != plan.parent) _exit(127);  // the parent ended before the line above
  ResetSignals();
  if (dup2(plan.in, STDIN_FILENO) < 0 || dup2(plan.out, STDOUT_FILENO) < 0 || dup2(plan.err, STDERR_FILENO) < 0) {
    FailInChild(plan, Stage::kSetUp);
  }
  if (close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) != 0) FailInChild(plan, Stage::kSetUp);
  if (plan.directory && chdir(plan.directory) != 0) FailInChild(plan, Stage::kDirectory);
  execve(plan.program, plan.argv, plan.environment);
  FailInChild(plan, Stage::kExec);
}

// No signal handler of ours may run in the child before its handlers are reset.
pid_t ForkWithSignalsBlocked(const ChildPlan& plan) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t pid = fork();
  if (pid == 0) RunChild(plan);
  const int error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return pid;
}

void Reap(pid_t pid) {
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

base::Status AwaitExec(const Fd& failure_pipe, const Command& command) {
  Failure failure;
  ssize_t got = 0;
  do {
    got = read(failure_pipe.get(), &failure, sizeof failure);
  } while (got < 0 && errno == EINTR);
  if (got != sizeof failure) return {};
  if (failure.stage == Stage::kDirectory) {
    Error error = SystemError("enter the directory " + command.directory, failure.error);
    error.code = base::Code::kInvalid;
    return error;
  }
  return SystemError("start " + command.argv[0], failure.error);
}

bool HasNul(const std::string& text) { return text.find('\0') != std::string::npos; }

base::Status Check(const Command& command) {
  if (command.argv.empty()) return base::Invalid("there is no program to start");
  for (const auto* list : {&command.argv, &command.extra_environment}) {
    for (const auto& text : *list) {
      if (HasNul(text)) return base::Invalid("an argument or variable of " + command.argv[0] + " contains a NUL byte");
    }
  }
  if (HasNul(command.directory)) return base::Invalid("the directory contains a NUL byte");
  return {};
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  Close();
  fd_ = std::exchange(other.fd_, -1);
  return *this;
}

void Fd::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

base::Error SystemError(std::string_view what, int error) {
  return {base::Code::kUnavailable, std::string(what) + ": " + strerrordesc_np(error)};
}

base::Result<Spawned> Spawn(const Command& command) {
  RB_TRY(Check(command));
  const auto program = FindProgram(command.argv[0]);
  if (!program) return Error(base::Code::kNotFound, "there is no program " + command.argv[0] + " on PATH");
  RB_ASSIGN(Fd in, MakeInput(command.input));
  RB_ASSIGN(Pipe out, MakePipe());
  RB_ASSIGN(Pipe err, MakePipe());
  RB_ASSIGN(Pipe failure, MakePipe());
  auto arguments = command.argv;
  auto environment = MakeEnvironment(command);
  const auto argument_pointers = Pointers(arguments), environment_pointers = Pointers(environment);
  ChildPlan plan;
  plan.program = program->c_str();
  plan.argv = argument_pointers.data();
  plan.environment = environment_pointers.data();
  plan.directory = command.directory.empty() ? nullptr : command.directory.c_str();
  plan.in = in.get();
  plan.out = out.write.get();
  plan.err = err.write.get();
  plan.failure = failure.write.get();
  plan.parent = getpid();

  const pid_t pid = ForkWithSignalsBlocked(plan);
  if (pid < 0) return SystemError("fork", errno);
  failure.write.Close();
  if (auto started = AwaitExec(failure.read, command); !started) {
    Reap(pid);
    return std::move(started).error();
  }
  Spawned spawned;
  spawned.pid = pid;
  // glibc 2.36 declares its wrappers of the pidfd calls without C linkage.
  spawned.handle = Fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!spawned.handle) {
    const int error = errno;
    kill(pid, SIGKILL);
    Reap(pid);
    return SystemError("watch " + command.argv[0], error);
  }
  for (auto [end, target] : {std::pair{&out.read, &spawned.out}, std::pair{&err.read, &spawned.err}}) {
    fcntl(end->get(), F_SETFL, O_NONBLOCK);
    *target = std::move(*end);
  }
  return spawned;
}

}  // namespace proc
