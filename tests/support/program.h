// Program: a program of ours as a child process, started, watched and ended by a test.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace testing_support {

class Program {
 public:
  // argv[0] is looked up on PATH. `environment` are "NAME=value" over what is inherited. Fails the test when it cannot
  // be started. Standard input is `input`, then its end; or `terminal`, when one is given.
  explicit Program(std::vector<std::string> argv, std::vector<std::string> environment = {}, std::string directory = {},
                   std::string input = {}, int terminal = -1);
  ~Program();  // SIGKILL when it still runs

  // Blocks until a complete line of standard output contains `text`, and returns it. Empty when the program ends
  // without one, or after 60 real seconds, which only a failing test sees.
  std::string WaitForLine(std::string_view text);
  // The same for standard error.
  std::string WaitForErrorLine(std::string_view text);
  void Send(int signal);
  // Blocks until it has ended. The exit code, or minus the signal that ended it.
  int Wait();
  std::string out() const;
  std::string err() const;
  int pid() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Runs to the end.
struct Ended {
  int code = 0;
  std::string out, err;
};
Ended RunProgram(std::vector<std::string> argv, std::vector<std::string> environment = {}, std::string directory = {},
                 std::string input = {});

}  // namespace testing_support
