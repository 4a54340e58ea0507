#include "support/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

extern char** environ;

namespace testing_support {
namespace {

constexpr std::chrono::seconds kPatience{60};

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::abort();
}

struct Pipe {
  int read = -1, write = -1;
  Pipe() {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) Die("pipe2");
    read = ends[0];
    write = ends[1];
  }
};

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> MergedEnvironment(const std::vector<std::string>& ours) {
  std::vector<std::string> merged = ours;
  for (char** entry = environ; *entry; ++entry) {
    const std::string_view name = std::string_view(*entry).substr(0, std::string_view(*entry).find('=') + 1);
    bool replaced = false;
    for (const std::string& own : ours) replaced = replaced || std::string_view(own).substr(0, name.size()) == name;
    if (!replaced) merged.emplace_back(*entry);
  }
  return merged;
}

}  // namespace

// The tests' own child, apart from proc/: what is tested must not be what tests.
struct Program::Impl {
  pid_t pid = -1;
  std::array<int, 2> streams{};
  std::thread reader;
  std::mutex mutex;
  std::condition_variable changed;
  std::array<std::string, 2> text;
  bool ended = false;
  int code = 0;

  void Read() {
    std::array<pollfd, 2> polled = {pollfd{streams[0], POLLIN, 0}, pollfd{streams[1], POLLIN, 0}};
    int open = 2;
    std::array<char, 65536> buffer;
    while (open > 0 && poll(polled.data(), polled.size(), -1) >= 0) {
      for (size_t i = 0; i < polled.size(); ++i) {
        if (polled[i].fd < 0 || polled[i].revents == 0) continue;
        const ssize_t got = read(polled[i].fd, buffer.data(), buffer.size());
        if (got <= 0) {
          close(polled[i].fd);
          polled[i].fd = -1;
          --open;
          continue;
        }
        std::lock_guard lock(mutex);
        text[i].append(buffer.data(), static_cast<size_t>(got));
        changed.notify_all();
      }
    }
    int status = 0;
    waitpid(pid, &status, 0);
    std::lock_guard lock(mutex);
    ended = true;
    code = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
    changed.notify_all();
  }

  std::string WaitForLine(size_t stream, std::string_view wanted) {
    std::string line;
    std::unique_lock lock(mutex);
    size_t from = 0;
    const auto found = [&] {
      size_t end;
      while ((end = text[stream].find('\n', from)) != std::string::npos) {
        line = text[stream].substr(from, end - from);
        from = end + 1;
        if (line.find(wanted) != std::string::npos) return true;
        line.clear();
      }
      return ended;
    };
    changed.wait_for(lock, kPatience, found);
    return line;
  }
};

Program::Program(std::vector<std::string> argv, std::vector<std::string> environment, std::string directory,
                 std::string input, int terminal)
    : impl_(std::make_unique<Impl>()) {
  Pipe in, out, err;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, terminal >= 0 ? terminal : in.read, 0);
  posix_spawn_file_actions_adddup2(&actions, out.write, 1);
  posix_spawn_file_actions_adddup2(&actions, err.write, 2);
  if (!directory.empty()) posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
  auto merged = MergedEnvironment(environment);
  if (posix_spawnp(&impl_->pid, argv[0].c_str(), &actions, nullptr, Pointers(argv).data(), Pointers(merged).data()) !=
      0) {
    std::fprintf(stderr, "cannot start %s\n", argv[0].c_str());
    std::abort();
  }
  posix_spawn_file_actions_destroy(&actions);
  for (int fd : {in.read, out.write, err.write}) close(fd);
  signal(SIGPIPE, SIG_IGN);
  if (write(in.write, input.data(), input.size()) < 0) Die("write to the program");
  close(in.write);
  impl_->streams = {out.read, err.read};
  impl_->reader = std::thread([impl = impl_.get()] { impl->Read(); });
}

Program::~Program() {
  Send(SIGKILL);
  impl_->reader.join();
}

std::string Program::WaitForLine(std::string_view text) { return impl_->WaitForLine(0, text); }
std::string Program::WaitForErrorLine(std::string_view text) { return impl_->WaitForLine(1, text); }

void Program::Send(int signal) {
  std::lock_guard lock(impl_->mutex);
  if (!impl_->ended) kill(impl_->pid, signal);
}

int Program::Wait() {
  std::unique_lock lock(impl_->mutex);
  impl_->changed.wait(lock, [&] { return impl_->ended; });
  return impl_->code;
}

std::string Program::out() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->text[0];
}
std::string Program::err() const {
  std::lock_guard lock(impl_->mutex);
  return impl_->text[1];
}
int Program::pid() const { return impl_->pid; }

Ended RunProgram(std::vector<std::string> argv, std::vector<std::string> environment, std::string directory,
                 std::string input) {
  Program program(std::move(argv), std::move(environment), std::move(directory), std::move(input));
  Ended ended;
  ended.code = program.Wait();
  ended.out = program.out();
  ended.err = program.err();
  return ended;
}

}  // namespace testing_support
