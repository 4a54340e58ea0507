// Private to proc/: the fork and exec, where only async-signal-safe calls are allowed, and the descriptors around it.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "proc/proc.h"

namespace proc {

// Owns a file descriptor.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { Close(); }
  void Close();
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct Spawned {
  pid_t pid = -1;
  Fd handle;    // a pidfd: readable when the process has ended, and never means another process
  Fd out, err;  // non-blocking ends to read from
};
base::Result<Spawned> Spawn(const Command& command);

// "what: No such file or directory"
base::Error SystemError(std::string_view what, int error);

// The child's environment: "NAME=value" each, the last of a name wins.
std::vector<std::string> MakeEnvironment(const Command& command);

}  // namespace proc
