#include <fmt/format.h>
#include <malloc.h>

#include <memory>

#include "app/app.h"
#include "app/commands.h"
#include "app/signals.h"
#include "base/log.h"
#include "base/time_text.h"

namespace app {
namespace {

// The promise is 10 s; closing the database needs its part of it.
constexpr base::Micros kDrain = std::chrono::seconds(8);

constexpr std::string_view kServeDetails =
    R"(Prints `listening on http://HOST:PORT` once it is ready. SIGTERM or SIGINT ends
it: requests and deliveries under way may end, and it exits with 0 within 10 s; a second signal ends it at once. Nothing
that was accepted is lost either way. A data directory belongs to one server at a time.

Examples:
  runbell serve
  runbell serve --listen 0.0.0.0:8170 --data /var/lib/runbell --external-url https://runbell.example.com
  runbell serve --egress-allow 10.20.0.0/16:443     webhooks may go to this private range)";

// What a request gave back is kept for the next one: returning it to the system at once, which is what the C library
// does on other threads than the first, costs more than the request itself.
void KeepMemory() {
  mallopt(M_TRIM_THRESHOLD, 32 << 20);
  mallopt(M_MMAP_THRESHOLD, 4 << 20);
}

base::Result<int> Serve(Context& context, const SettingsArguments& arguments) {
  RB_ASSIGN(LoadedSettings loaded, LoadSettings(context, arguments));
  base::SetLogLevel(loaded.settings.log_level);
  KeepMemory();
  StopSignal stop;
  RB_ASSIGN(auto app, App::Open(std::move(loaded.settings), context.clock, context.random));
  context.out(fmt::format("listening on {}\n", app->url()));
  stop.Wait();
  base::Log(base::LogLevel::kInfo, "stopping: what is under way may finish; a second signal ends it at once",
            {{"limit", base::FormatDuration(kDrain)}});
  app->Stop(kDrain);
  return kExitOk;
}

}  // namespace

Command MakeServeCommand(Context& context) {
  auto arguments = std::make_shared<SettingsArguments>();
  return {.name = "serve",
          .summary = "Run the server",
          .details = std::string(kServeDetails),
          .options = MakeSettingsOptions(*arguments),
          .run = [&context, arguments] { return Serve(context, *arguments); }};
}

Command MakeCheckConfigCommand(Context& context) {
  auto arguments = std::make_shared<SettingsArguments>();
  auto run = [&context, arguments]() -> base::Result<int> {
    RB_TRY(LoadSettings(context, *arguments));
    context.out("the settings are fine\n");
    return kExitOk;
  };
  return {.name = "check-config",
          .summary = "Check settings: file, environment and flags; list everything that is wrong",
          .details = "Exits with 0 when a server would start with these settings, with 2 when not.",
          .options = MakeSettingsOptions(*arguments),
          .run = run};
}

Command MakeConfigCommand(Context& context) {
  auto arguments = std::make_shared<SettingsArguments>();
  auto show = [&context, arguments]() -> base::Result<int> {
    RB_ASSIGN(LoadedSettings loaded, LoadSettings(context, *arguments));
    context.out(FormatSettingsTable(loaded));
    return kExitOk;
  };
  auto docs = [&context]() -> base::Result<int> {
    context.out(FormatSettingsPage());
    return kExitOk;
  };
  Command show_all{.name = "show",
                   .summary = "Print each setting, its value (secrets masked) and where the value comes from",
                   .options = MakeSettingsOptions(*arguments),
                   .run = show};
  Command page{.name = "docs", .summary = "Print docs/configuration.md", .run = docs};
  return {.name = "config", .summary = "Show settings", .commands = {show_all, page}};
}

}  // namespace app
