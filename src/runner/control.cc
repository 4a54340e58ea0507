#include "runner/control.h"

#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/log.h"

namespace runner {

Control::Control() : wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) { RB_CHECK(wake_fd_ >= 0); }
Control::~Control() { close(wake_fd_); }

void Control::Interrupt() {
  {
    auto state = state_.Lock();
    ++state->interrupts;
    if (state->child) state->child->Send(SIGINT);
  }
  Wake();
}

void Control::Show(const Seen& seen) {
  {
    auto state = state_.Lock();
    state->seen = seen;
    if (seen.cancel_requested && !state->canceled) {
      state->canceled = true;
      if (state->child && state->interrupts == 0) state->child->Send(SIGINT);
    }
  }
  Wake();
}

void Control::FeedMoved() {
  state_.Lock()->feed_moved = true;
  Wake();
}

void Control::Wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof one);
}

Control::News Control::Read() {
  uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = read(wake_fd_, &count, sizeof count);
  auto state = state_.Lock();
  return {.interrupted = state->interrupts > 0 || state->canceled,
          .feed_moved = std::exchange(state->feed_moved, false),
          .seen = state->seen};
}

bool Control::interrupted() {
  auto state = state_.Lock();
  return state->interrupts > 0 || state->canceled;
}

Control::Working::Working(Control& control, proc::Child& child) : control_(control) {
  auto state = control_.state_.Lock();
  state->child = &child;
  // One that came while the child was being started has found nobody to go to.
  if (state->interrupts > 0 || state->canceled) child.Send(SIGINT);
}

Control::Working::~Working() { control_.state_.Lock()->child = nullptr; }

}  // namespace runner
