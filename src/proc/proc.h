// Child processes: start, feed, read, interrupt, bound in time.
//
// A child runs in a process group of its own, so a terminal's Ctrl-C reaches it once, through whoever started it. It
// inherits no file descriptors but the three it is given, and all signals are at their defaults, none blocked. If the
// parent dies, the child gets SIGTERM; the kernel counts the thread that called Start as the parent, so it has to live
// as long as the child.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace proc {

struct Command {
  std::vector<std::string> argv;               // argv[0] is looked up on PATH; there is no shell
  std::string directory;                       // empty: here
  std::vector<std::string> extra_environment;  // "NAME=value", over what is inherited
  bool clean_environment = false;              // inherit nothing but PATH, HOME, LANG, TZ
  std::string withheld_prefix;                 // variables whose name begins so are not inherited; empty: all are
  std::string input;                           // standard input; then end of file
  std::optional<base::Micros> time_limit;      // then SIGTERM, and SIGKILL after `kill_after`
  base::Micros kill_after{10'000'000};
};

struct Exit {
  int code = 0;  // -1 when a signal ended it
  int signal = 0;
  bool timed_out = false;
  std::string Text() const;  // "exit code 1", "signal 9 (SIGKILL)"
};

// Called on the thread in Wait().
using Output = std::function<void(std::string_view bytes)>;

class Child {
 public:
  // kNotFound: no such program on PATH; kInvalid: empty argv, NUL bytes, a directory that cannot be entered;
  // kUnavailable: the system refused.
  static base::Result<std::unique_ptr<Child>> Start(base::Clock& clock, Command command);
  ~Child();  // a child that still runs is killed, with its group, and reaped

  // Reads both outputs until the child has ended; call it once. What processes that the child left behind write later
  // is not waited for.
  Exit Wait(const Output& on_stdout, const Output& on_stderr);
  // Sends a signal to the child, not to its group. Any thread, any time; nothing happens after the end.
  void Send(int signal);
  int pid() const;

 private:
  struct Impl;
  explicit Child(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Start and Wait with the outputs collected, at most `max_bytes` of each.
struct Finished {
  Exit exit;
  std::string out, err;
  bool cut = false;
};
base::Result<Finished> Run(base::Clock& clock, Command command, size_t max_bytes = size_t{64} << 20);

// The path of a program as a shell would find it.
std::optional<std::string> FindProgram(std::string_view name);

}  // namespace proc
