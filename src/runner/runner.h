// The run source: `runbell run` wraps a real terraform or tofu, tells a server how its run goes, waits for a person
// where one has to decide, and applies exactly the plan that was decided on.
//
// The client of the server's API lives here too; other commands share it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace runner {

// ---- the API of a server ----

struct ApiOptions {
  std::string server;                // "http://127.0.0.1:8170"; a path in it stands before /api/iacp/v3/
  base::Secret token;                // bearer token
  std::string ca_file;               // empty: the system's authorities
  base::Micros timeout{15'000'000};  // of one request
};

// Calls the JSON:API, blocking. Paths are those below /api/iacp/v3/, with their query: "runs/run-v0...?include=x".
// Any thread may call. The value is the whole document; null when the answer has none (204).
//
// Errors carry the server's own words: kInvalid (400, 422; `where` is the pointer), kDenied (401, 403), kNotFound
// (404), kConflict (409), kGone (410), kTooLarge (413), kUnavailable (429, 5xx, unreachable, too slow, not our
// protocol).
class ApiClient {
 public:
  static base::Result<std::unique_ptr<ApiClient>> Make(ApiOptions options, base::Clock& clock);  // kInvalid
  ~ApiClient();  // no call may be under way

  base::Result<base::json::value> Get(std::string_view path);
  base::Result<base::json::value> Post(std::string_view path, const base::json::value& document);
  base::Result<base::json::value> Patch(std::string_view path, const base::json::value& document);
  base::Result<base::json::value> Delete(std::string_view path);

  // A GET that the server answers late: it may take `wait` longer.
  base::Result<base::json::value> Poll(std::string_view path, base::Micros wait);

  // Ends what is under way, and every later call, with kUnavailable.
  void Stop();

  const std::string& server() const;  // without credentials, for messages

 private:
  struct Impl;
  explicit ApiClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// ---- a wrapped run ----

// Exit codes of `runbell run`.
inline constexpr int kExitOk = 0;           // applied, nothing to change, or planned with --plan-only
inline constexpr int kExitFailed = 1;       // the tool failed: init, plan or apply
inline constexpr int kExitUsage = 2;        // what was asked is wrong, or the server refused it; no plan was made
inline constexpr int kExitCanceled = 3;     // interrupted here, or canceled through the server
inline constexpr int kExitDiscarded = 4;    // a person declined the plan, or the run expired
inline constexpr int kExitUnreachable = 5;  // --require-server and no server; no plan was made
inline constexpr int kExitUndecided = 6;    // the server stopped accepting the run while it waited; nothing was applied

struct RunOptions {
  std::string environment;  // a name or an id
  std::string workspace;    // a name or an id
  bool create = false;      // makes environment and workspace when they are missing
  std::string message;
  bool auto_apply = false;  // false: as the workspace says
  bool destroy = false;
  bool plan_only = false;
  bool init = true;
  bool require_server = false;
  bool json = false;      // one JSON object per line instead of text for people
  std::string directory;  // where the configuration lies; empty: here
  // The tool, then options of its `plan`. `-chdir=DIR`, `-destroy` and a leading `plan` are understood; -out, -json and
  // -detailed-exitcode are the wrapper's own and refused when they say otherwise.
  std::vector<std::string> command;
  std::string temp_directory = "/tmp";  // the saved plan lies there in a private directory until the end
  base::Micros heartbeat{60'000'000};   // how often the server hears that the run is alive
  base::Micros last_words{30'000'000};  // how long to go on trying, after the end, to deliver kept reports
};

// What the run needs from its surroundings. Both outputs are called by several threads, one at a time.
struct World {
  base::Clock& clock;
  base::Random& random;
  std::function<void(std::string_view text)> out;  // progress: standard output
  std::function<void(std::string_view text)> err;  // notices: standard error
  int terminal = -1;  // a descriptor to read a typed decision from, only if a person sits there; it stays open
  std::map<std::string, std::string> environment = {};  // for the secrets in it, which no error text may carry away
};

// One run from init to its end. Made, run once, dropped; it stops `api` at the end.
class Wrapper {
 public:
  Wrapper(RunOptions options, ApiClient& api, World world);
  ~Wrapper();

  int Run();  // blocks until the run is over and reported; the exit code

  // A person's interrupt (SIGINT, SIGTERM, SIGHUP). Each is passed on to the tool once; with no tool at work the run is
  // canceled. After the run's end it stops the last attempts to deliver reports. Any thread, any time.
  void Interrupt();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace runner
