// Private to runner/: where other threads leave word for the thread that runs the tool.
#pragma once

#include <optional>

#include "base/guarded.h"
#include "proc/proc.h"
#include "run/run.h"

namespace runner {

// The server's view of the run.
struct Seen {
  run::Status status = run::Status::kPending;
  run::Reason reason = run::Reason::kNone;
  bool cancel_requested = false;
};

// Any thread may call everything; Working belongs to the thread that runs the tool.
class Control {
 public:
  Control();
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  void Interrupt();             // by a person: every one reaches the tool
  void Show(const Seen& seen);  // a cancel in it reaches the tool once, unless a person interrupted already
  void FeedMoved();
  void Wake();  // something else changed

  struct News {
    bool interrupted = false;  // by a person or through the server
    bool feed_moved = false;   // since the last call of Read
    std::optional<Seen> seen;
  };
  News Read();
  bool interrupted();
  int wake_fd() const { return wake_fd_; }  // readable after news, until Read

  // While it lives, interrupts go to the child.
  class Working {
   public:
    Working(Control& control, proc::Child& child);
    ~Working();

   private:
    Control& control_;
  };

 private:
  struct State {
    proc::Child* child = nullptr;
    int interrupts = 0;
    bool canceled = false;
    bool feed_moved = false;
    std::optional<Seen> seen;
  };
  base::Guarded<State> state_;
  const int wake_fd_;
};

}  // namespace runner
