// The settings table as people read it: `config show` and docs/configuration.md.
#include <fmt/format.h>

#include <algorithm>

#include "app/settings.h"
#include "app/table.h"

namespace app {

std::string FormatSettingsTable(const LoadedSettings& loaded) {
  size_t widest_key = 0, widest_text = 0;
  for (size_t i = 0; i < loaded.origins.size(); i++) {
    widest_key = std::max(widest_key, AllSettings()[i].key.size());
    widest_text = std::max(widest_text, Harmless(loaded.origins[i].text).size());
  }
  std::string out;
  for (size_t i = 0; i < loaded.origins.size(); i++) {
    const auto& [text, source] = loaded.origins[i];
    out += fmt::format("{:<{}}  {:<{}}  {}\n", AllSettings()[i].key, widest_key, Harmless(text),
                       std::min<size_t>(widest_text, 40), Harmless(source));
  }
  return out;
}

namespace {

constexpr std::string_view kIntroduction = R"(# Configuration

<!-- Made from the table in src/app/settings.cc by `runbell config docs`; a test compares the two. -->

Every setting can stand in a TOML file (`--config FILE`), in an environment variable, or in a flag. A flag wins over the
environment, the environment over the file, the file over the default. `runbell check-config` lists everything that is
wrong at once, with its place; `runbell config show` prints each value and where it comes from.

```toml
[server]
listen = "0.0.0.0:8170"
external_url = "https://runbell.example.com"

[egress]
allow = ["10.20.0.0/16:443"]

[retention]
deliveries = "30d"
```

Durations are written like `250ms`, `30s`, `5m`, `2h` or `7d`. Paths are relative to the directory in which the program
was started. In an environment variable the items of a list are separated by commas; a list flag is given once per item.
A secret never stands in the file or on a command line: the file names another file (`"file:/etc/runbell/key"`), and the
environment may carry either that or the value.

A variable that begins with `RUNBELL_` and is close to one of these names, or begins like them, must be one of them.
Commands that talk to a server read two more: `RUNBELL_SERVER` (its URL) and `RUNBELL_TOKEN`.
)";

}  // namespace

std::string FormatSettingsPage() {
  std::string out(kIntroduction);
  for (const Setting& row : AllSettings()) {
    out += fmt::format("\n## {}\n\n{}\n\n", row.key, row.help);
    if (!row.is_secret())
      out += fmt::format("- flag: `{} {}`{}\n", row.Flag(), row.value, row.is_list() ? ", repeatable" : "");
    out += fmt::format("- environment: `{}`\n", row.Variable());
    out += row.fallback.empty() ? "- default: none\n" : fmt::format("- default: `{}`\n", row.fallback);
    std::string allowed = row.Allowed();
    if (allowed != row.value && !row.is_list()) out += fmt::format("- allowed: {}\n", allowed);
  }
  return out;
}

}  // namespace app
