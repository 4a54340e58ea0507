// A terminal with a person at it: what is given to a program as its standard input, and the keyboard in front of it.
#pragma once

#include <string_view>

namespace testing_support {

class PseudoTerminal {
 public:
  PseudoTerminal();
  ~PseudoTerminal();
  PseudoTerminal(const PseudoTerminal&) = delete;
  PseudoTerminal& operator=(const PseudoTerminal&) = delete;

  int fd() const { return terminal_; }
  // A program reads it line by line, as the terminal hands it over at each Enter ("\r", or "\n").
  void Type(std::string_view text) const;
  void HangUp();  // nobody sits there any more

 private:
  int keyboard_ = -1, terminal_ = -1;
};

}  // namespace testing_support
