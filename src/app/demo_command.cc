#include <memory>

#include "app/commands.h"
#include "app/demo.h"
#include "app/replay.h"

namespace app {

Command MakeDemoCommand(Context& context) {
  auto options = std::make_shared<DemoOptions>();
  return {
      .name = "demo",
      .summary = "See it work: a server, a receiver and three runs on this machine, with nothing to set up",
      .details =
          "The runs are made with the terraform or tofu on PATH and download nothing; where there is "
          "none, recorded ones\nare replayed.",
      .options = {{"--once", "", &options->once,
                   "End after the runs: with 0 if exactly the expected deliveries arrived, validly signed."},
                  {"--data", "DIR", &options->directory,
                   "Data directory, new or empty; it is kept. Default: a fresh one in the temporary folder, removed at "
                   "the end."},
                  {"--keep", "", &options->keep, "Keep the fresh directory too; it holds an admin token."},
                  {"--listen", "HOST:PORT", &options->listen, "Of the server. Default: any free port of 127.0.0.1."}},
      .run = [&context, options] { return RunDemo(context, *options); }};
}

Command MakeReplayCommand(Context& context) {
  auto arguments = std::make_shared<std::vector<std::string>>();
  return {.name = "replay-tool",
          .summary = "Stand in for terraform in the demo",
          .rest = arguments.get(),
          .rest_name = "init|plan|show|apply [options]",
          .run = [&context, arguments] { return ReplayTool(context, *arguments); },
          .hidden = true};
}

}  // namespace app
