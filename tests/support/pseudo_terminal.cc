#include "support/pseudo_terminal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

namespace testing_support {

PseudoTerminal::PseudoTerminal() {
  EXPECT_EQ(openpty(&keyboard_, &terminal_, nullptr, nullptr, nullptr), 0);
  for (int fd : {keyboard_, terminal_}) EXPECT_EQ(fcntl(fd, F_SETFD, FD_CLOEXEC), 0);
}

PseudoTerminal::~PseudoTerminal() {
  HangUp();
  close(terminal_);
}

void PseudoTerminal::Type(std::string_view text) const {
  EXPECT_EQ(write(keyboard_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

void PseudoTerminal::HangUp() {
  if (keyboard_ >= 0) close(keyboard_);
  keyboard_ = -1;
}

}  // namespace testing_support
