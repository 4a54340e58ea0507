#include <csignal>
#include <cstdio>

#include "app/commands.h"

int main(int argc, char** argv) {
  // A reader that goes away is an error of a write, not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  // So is a file that may not grow further (ulimit -f): the store refuses writes, and what is stored can still be read.
  std::signal(SIGXFSZ, SIG_IGN);
  auto clock = base::MakeRealClock();
  auto random = base::MakeSecureRandom();
  app::Context context{app::ReadEnvironment(), *clock, *random,
                       [](std::string_view text) {
                         return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() &&
                                std::fflush(stdout) == 0;
                       },
                       [](std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }};
  return app::RunCommandLine(app::MakeRootCommand(context), {argv + 1, argv + argc}, context);
}
