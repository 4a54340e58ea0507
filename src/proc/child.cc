#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "proc/spawn.h"

namespace proc {
namespace {

// What a child that has ended may still have in its pipes; more can only come from processes it left behind.
constexpr size_t kMaxAfterEnd = size_t{16} << 20;

// Reads what is there now; false at the end of the file.
bool ReadSome(const Fd& fd, const Output& output, size_t max_bytes) {
  std::array<char, size_t{64} << 10> buffer;
  for (size_t total = 0; total < max_bytes;) {
    const ssize_t got = read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN;
    if (got == 0) return false;
    if (output) output(std::string_view(buffer.data(), static_cast<size_t>(got)));
    total += static_cast<size_t>(got);
  }
  return true;
}

void Append(std::string& to, std::string_view bytes, size_t max_bytes, bool& cut) {
  const size_t room = max_bytes - to.size();
  if (bytes.size() > room) cut = true;
  to.append(bytes.substr(0, room));
}

}  // namespace

struct Child::Impl {
  Impl(base::Clock& c, Spawned s, base::Micros kill) : clock(c), child(std::move(s)), kill_after(kill) {}
  ~Impl();

  void RaiseAfter(base::Micros delay);
  void OnTimeUp();
  void SignalGroup(int signal) const { kill(-child.pid, signal); }
  Exit Reap();

  base::Clock& clock;
  Spawned child;
  base::Micros kill_after;
  Fd time_up;  // an eventfd that the clock's callback raises
  base::Clock::TimerId timer = 0;
  bool timed_out = false;
  bool reaped = false;
};

Child::Impl::~Impl() {
  clock.Cancel(timer);
  if (reaped) return;
  SignalGroup(SIGKILL);
  Reap();
}

void Child::Impl::RaiseAfter(base::Micros delay) {
  timer = clock.CallAt(clock.Mono() + delay, [fd = time_up.get()] {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(fd, &one, sizeof one);
  });
}

// The first time asks, the second insists. Both reach the group: a shell's children are to end with it.
void Child::Impl::OnTimeUp() {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = read(time_up.get(), &count, sizeof count);
  SignalGroup(timed_out ? SIGKILL : SIGTERM);
  if (!timed_out) RaiseAfter(kill_after);
  timed_out = true;
}

Exit Child::Impl::Reap() {
  int status = 0;
  pid_t got = 0;
  do {
    got = waitpid(child.pid, &status, 0);
  } while (got < 0 && errno == EINTR);
  RB_CHECK(got == child.pid);
  reaped = true;
  Exit exit;
  exit.timed_out = timed_out;
  if (WIFEXITED(status)) {
    exit.code = WEXITSTATUS(status);
  } else {
    exit.code = -1;
    exit.signal = WTERMSIG(status);
  }
  return exit;
}

base::Result<std::unique_ptr<Child>> Child::Start(base::Clock& clock, Command command) {
  Fd time_up(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!time_up) return SystemError("make an eventfd", errno);
  RB_ASSIGN(Spawned spawned, Spawn(command));
  auto impl = std::make_unique<Impl>(clock, std::move(spawned), command.kill_after);
  impl->time_up = std::move(time_up);
  if (command.time_limit) impl->RaiseAfter(*command.time_limit);
  return std::unique_ptr<Child>(new Child(std::move(impl)));
}

Child::Child(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Child::~Child() = default;

Exit Child::Wait(const Output& on_stdout, const Output& on_stderr) {
  RB_CHECK(!impl_->reaped);
  Spawned& child = impl_->child;
  for (bool running = true; running;) {
    std::array<pollfd, 4> watched = {{{child.handle.get(), POLLIN, 0},
                                      {child.out.get(), POLLIN, 0},
                                      {child.err.get(), POLLIN, 0},
                                      {impl_->time_up.get(), POLLIN, 0}}};
    if (poll(watched.data(), watched.size(), -1) < 0) {
      RB_CHECK(errno == EINTR);
      continue;
    }
    running = watched[0].revents == 0;
    const size_t limit = running ? size_t{64} << 10 : kMaxAfterEnd;
    if (watched[3].revents != 0 && running) impl_->OnTimeUp();
    if (child.out && (watched[1].revents != 0 || !running) && !ReadSome(child.out, on_stdout, limit)) child.out.Close();
    if (child.err && (watched[2].revents != 0 || !running) && !ReadSome(child.err, on_stderr, limit)) child.err.Close();
  }
  impl_->clock.Cancel(std::exchange(impl_->timer, 0));
  if (impl_->timed_out) impl_->SignalGroup(SIGKILL);
  return impl_->Reap();
}

void Child::Send(int signal) { syscall(SYS_pidfd_send_signal, impl_->child.handle.get(), signal, nullptr, 0); }

int Child::pid() const { return impl_->child.pid; }

std::string Exit::Text() const {
  std::string text = timed_out ? "time limit passed, " : "";
  if (signal == 0) return text + "exit code " + std::to_string(code);
  const char* name = sigabbrev_np(signal);
  text += "signal " + std::to_string(signal);
  return name ? text + " (SIG" + name + ")" : text;
}

base::Result<Finished> Run(base::Clock& clock, Command command, size_t max_bytes) {
  RB_ASSIGN(auto child, Child::Start(clock, std::move(command)));
  Finished finished;
  finished.exit = child->Wait([&](std::string_view bytes) { Append(finished.out, bytes, max_bytes, finished.cut); },
                              [&](std::string_view bytes) { Append(finished.err, bytes, max_bytes, finished.cut); });
  return finished;
}

}  // namespace proc
