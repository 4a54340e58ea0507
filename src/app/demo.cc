#include "app/demo.h"

#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "app/app.h"
#include "app/embedded.h"
#include "app/replay.h"
#include "app/signals.h"
#include "app/table.h"
#include "base/guarded.h"
#include "base/log.h"
#include "proc/proc.h"

namespace app {

using base::Principal;
using base::Result;

namespace {

constexpr base::Micros kRunLimit = std::chrono::minutes(5);
constexpr base::Micros kDeliveryLimit = std::chrono::seconds(30);
constexpr base::Micros kDrain = std::chrono::seconds(8);

constexpr const char* kEnvironmentName = "demo";
constexpr const char* kNetwork = "network";
constexpr const char* kWebsite = "website";
constexpr const char* kInherited = "everything";  // of the environment: both workspaces inherit it
constexpr const char* kOwn = "website-only";      // of the workspace website

// Text that several threads print, whole lines at a time.
class Printer {
 public:
  explicit Printer(Context& context) : context_(context) {}
  void Line(const std::string& text) {
    auto access = lock_.Lock();
    context_.out(text + "\n");
  }
  // Complete lines of `bytes`, each behind `prefix`; the rest is kept in `partial`.
  void Lines(std::string_view prefix, std::string& partial, std::string_view bytes) {
    partial += bytes;
    for (size_t end; (end = partial.find('\n')) != std::string::npos; partial.erase(0, end + 1)) {
      Line(std::string(prefix) + HarmlessLines(partial.substr(0, end)));
    }
  }

 private:
  Context& context_;
  base::Guarded<int> lock_;
};

// Counts what happens, so that a wait can look again after each; and knows when its time is over.
class Happenings {
 public:
  void Happened() {
    state_.Lock()->count++;
    state_.NotifyAll();
  }
  // Looks again whenever something happened; false when `limit` has passed first.
  bool WaitUntil(base::Clock& clock, base::Micros limit, const std::function<bool()>& holds) {
    auto timer = clock.CallAt(clock.Mono() + limit, [this] {
      state_.Lock()->late = true;
      state_.NotifyAll();
    });
    bool held = false;
    while (true) {
      uint64_t seen = state_.Lock()->count;
      if ((held = holds())) break;
      auto state = state_.Lock();
      state.Wait([&] { return state->count != seen || state->late; });
      if (state->late) break;
    }
    clock.Cancel(timer);
    return held;
  }

 private:
  struct State {
    uint64_t count = 0;
    bool late = false;
  };
  base::Guarded<State> state_;
};

struct RunPlan {
  std::string title, workspace, message, token;
  std::vector<std::string> options, tool_options;
  int exit_code = 0;
};

class Demo {
 public:
  Demo(Context& context, const DemoOptions& options)
      : context_(context), options_(options), printer_(context), interrupts_([this] { Interrupt(); }) {}
  ~Demo() {
    app_.reset();
    if (remove_directory_) {
      std::error_code ignored;  // a leftover in the temporary folder is no failure of the demo
      std::filesystem::remove_all(directory_, ignored);
    }
  }

  Result<int> Run() {
    base::SetLogLevel(base::LogLevel::kError);
    RB_TRY(MakeDirectory());
    RB_TRY(Open());
    RB_TRY(SetUp());
    RB_TRY(ChooseTool());
    bool good = RunAll();
    if (interrupted_) return base::Error(base::Code::kUnavailable, "interrupted");
    good = Judge() && good;
    if (options_.once) return good ? kExitOk : kExitFailed;
    Suggest();
    end_.Wait();
    app_->Stop(kDrain);
    return good ? kExitOk : kExitFailed;
  }

 private:
  std::string PathOf(const std::string& name) const { return directory_ + "/demo/" + name; }

  base::Status MakeDirectory();
  base::Status Open();
  base::Status SetUp();
  Result<store::Endpoint> MakeEndpoint(const base::Place& place, const std::string& name);
  base::Status MakeToken(const std::string& name, std::vector<base::Scope> scopes, const base::Place& place);
  base::Status WriteConfiguration(const std::string& workspace);
  base::Status ChooseTool();
  bool RunAll();
  bool RunOne(const RunPlan& plan);
  bool RunApproved(const RunPlan& plan);
  bool Child(const std::vector<std::string>& arguments, int expected_code);
  void OnDelivery(const ReceivedDelivery& delivery);
  void Interrupt();
  bool Judge();
  void Suggest();

  Context& context_;
  const DemoOptions& options_;
  Printer printer_;
  Happenings happenings_;
  std::string directory_, program_, tool_;
  bool remove_directory_ = false;
  std::unique_ptr<DemoReceiver> receiver_;
  std::unique_ptr<App> app_;
  base::Guarded<std::vector<std::shared_ptr<proc::Child>>> children_;
  std::atomic<bool> interrupted_{false};
  base::Signal end_;
  Interrupts interrupts_;  // the last member, so that it is there until the directory has been removed
};

base::Status Demo::MakeDirectory() {
  char self[4096];
  ssize_t length = readlink("/proc/self/exe", self, sizeof(self));
  if (length <= 0) return base::Error(base::Code::kUnavailable, "cannot find the program's own file", "/proc/self/exe");
  program_ = std::string(self, static_cast<size_t>(length));
  if (options_.directory.empty()) {
    auto found = context_.environment.find("TMPDIR");
    std::string pattern = (found == context_.environment.end() ? "/tmp" : found->second) + "/runbell-demo-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) {
      return base::Error(base::Code::kUnavailable, "cannot make a directory", pattern);
    }
    directory_ = pattern;
    remove_directory_ = !options_.keep;
  } else {
    std::error_code fault;
    std::filesystem::create_directories(options_.directory, fault);
    directory_ = std::filesystem::absolute(options_.directory, fault).string();
    if (fault || !std::filesystem::is_empty(directory_, fault) || fault) {
      return base::Error(base::Code::kConflict, "the demo needs a directory that is new or empty", options_.directory);
    }
  }
  std::error_code fault;
  std::filesystem::create_directories(PathOf(""), fault);
  if (fault) return base::Error(base::Code::kUnavailable, fault.message(), PathOf(""));
  return {};
}

base::Status Demo::Open() {
  RB_ASSIGN(receiver_,
            DemoReceiver::Open(context_.clock, [this](const ReceivedDelivery& delivery) { OnDelivery(delivery); }));
  Settings settings = DefaultSettings();
  settings.listen = options_.listen;
  settings.store.directory = directory_;
  settings.egress_allow = {fmt::format("127.0.0.1/32:{}", receiver_->port())};
  Deps deps;
  deps.on_commit = [this](const store::Committed&) { happenings_.Happened(); };
  RB_ASSIGN(app_, App::Open(std::move(settings), context_.clock, context_.random, std::move(deps)));
  printer_.Line(fmt::format("A server listens on {}, a receiver on port {}; data directory {}", app_->url(),
                            receiver_->port(), directory_));
  return {};
}

Result<store::Endpoint> Demo::MakeEndpoint(const base::Place& place, const std::string& name) {
  store::Endpoint endpoint;
  endpoint.place = place;
  endpoint.name = name;
  endpoint.url = receiver_->UrlOf("/" + name);
  RB_ASSIGN(endpoint, app_->store().Create(Principal::System(), std::move(endpoint)));
  receiver_->Expect("/" + name, endpoint.secret);
  return endpoint;
}

base::Status Demo::MakeToken(const std::string& name, std::vector<base::Scope> scopes, const base::Place& place) {
  store::Token token;
  token.name = name;
  for (base::Scope scope : scopes) token.grants.push_back({scope, place});
  RB_ASSIGN(token, app_->store().Create(Principal::System(), std::move(token)));
  std::ofstream file(PathOf(name + ".token"));
  std::error_code fault;
  std::filesystem::permissions(PathOf(name + ".token"), std::filesystem::perms(0600), fault);
  file << token.text.Reveal() << "\n";
  file.close();
  if (!file || fault) return base::Error(base::Code::kUnavailable, "cannot be written", PathOf(name + ".token"));
  return {};
}

base::Status Demo::WriteConfiguration(const std::string& workspace) {
  std::error_code fault;
  std::filesystem::create_directories(PathOf(workspace), fault);
  for (const EmbeddedFile& embedded : DemoFiles()) {
    if (embedded.path.starts_with("recorded/")) continue;
    std::ofstream file(PathOf(workspace) + "/" + std::string(embedded.path));
    file << embedded.text;
    file.close();
    if (!file) return base::Error(base::Code::kUnavailable, "cannot be written", PathOf(workspace));
  }
  return {};
}

base::Status Demo::SetUp() {
  auto& store = app_->store();
  store::Environment environment;
  environment.name = kEnvironmentName;
  RB_ASSIGN(environment, store.Create(Principal::System(), std::move(environment)));
  base::Place website_place;
  for (const char* name : {kNetwork, kWebsite}) {
    store::Workspace workspace;
    workspace.environment = environment.id;
    workspace.name = name;
    RB_ASSIGN(workspace, store.Create(Principal::System(), std::move(workspace)));
    if (name == kWebsite) website_place = {environment.id, workspace.id};
    RB_TRY(WriteConfiguration(name));
  }
  RB_ASSIGN(auto inherited, MakeEndpoint({environment.id, {}}, kInherited));
  RB_ASSIGN(auto own, MakeEndpoint(website_place, kOwn));
  store::Webhook webhook;
  webhook.name = kInherited;
  webhook.endpoint = inherited.id;
  webhook.events.assign(run::kAllEvents.begin(), run::kAllEvents.end());
  webhook.environments = {environment.id};
  RB_TRY(store.Create(Principal::System(), webhook));
  webhook.name = kOwn;
  webhook.endpoint = own.id;
  webhook.reach = store::Reach::kWorkspace;
  webhook.workspace = website_place.workspace;
  RB_TRY(store.Create(Principal::System(), webhook));
  RB_TRY(MakeToken("reporter", {base::Scope::kReport}, {environment.id, {}}));
  RB_TRY(MakeToken("deployer", {base::Scope::kReport, base::Scope::kApprove}, {environment.id, {}}));
  RB_TRY(MakeToken("admin", {base::Scope::kAdmin}, {}));
  printer_.Line(
      fmt::format("Environment `{}`: workspaces `{}` and `{}`; both inherit the webhook `{}`, and `{}` has its "
                  "own, `{}`",
                  kEnvironmentName, kNetwork, kWebsite, kInherited, kWebsite, kOwn));
  return {};
}

base::Status Demo::ChooseTool() {
  for (const char* name : {"terraform", "tofu"}) {
    auto path = proc::FindProgram(name);
    if (!path) continue;
    tool_ = *path;
    printer_.Line(fmt::format("Runs are made with {}", tool_));
    return {};
  }
  tool_ = PathOf("replay");
  RB_TRY(WriteReplayTool(tool_, program_));
  printer_.Line("There is neither terraform nor tofu on PATH: recorded runs of Terraform 1.11.4 are replayed instead");
  return {};
}

// The runs end as interrupted ones do, and no other is begun.
void Demo::Interrupt() {
  interrupted_ = true;
  end_.Raise();
  std::vector<std::shared_ptr<proc::Child>> children = *children_.Lock();
  for (const auto& child : children) child->Send(SIGINT);
  happenings_.Happened();
}

bool Demo::Child(const std::vector<std::string>& arguments, int expected_code) {
  if (interrupted_) return false;
  std::string shown = "runbell";
  for (const std::string& argument : arguments) {
    shown += argument.find(' ') == std::string::npos ? " " + argument : " '" + argument + "'";
  }
  printer_.Line("  $ " + shown);
  proc::Command command;
  command.argv = arguments;
  command.argv.insert(command.argv.begin(), program_);
  command.time_limit = kRunLimit;
  // What is set for this shell's own server must not reach the demo's commands.
  command.extra_environment = {"RUNBELL_SERVER=" + app_->url(), "RUNBELL_TOKEN="};
  auto started = proc::Child::Start(context_.clock, std::move(command));
  if (!started) {
    printer_.Line("  cannot be started: " + started.error().Text());
    return false;
  }
  std::shared_ptr<proc::Child> child = std::move(*started);
  children_.Lock()->push_back(child);
  if (interrupted_) child->Send(SIGINT);
  std::string out, err;
  auto exit = child->Wait([&](std::string_view bytes) { printer_.Lines("  | ", out, bytes); },
                          [&](std::string_view bytes) { printer_.Lines("  | ", err, bytes); });
  for (std::string* rest : {&out, &err}) {
    if (!rest->empty()) printer_.Lines("  | ", *rest, "\n");
  }
  bool as_expected = exit.signal == 0 && exit.code == expected_code;
  if (!as_expected) printer_.Line(fmt::format("  it ended with {}, expected exit code {}", exit.Text(), expected_code));
  return as_expected;
}

bool Demo::RunOne(const RunPlan& plan) {
  printer_.Line("\n" + plan.title);
  std::vector<std::string> arguments = {
      "run",           "--server",       app_->url(),           "--token-file", PathOf(plan.token + ".token"),
      "--environment", kEnvironmentName, "--workspace",         plan.workspace, "--message",
      plan.message,    "--chdir",        PathOf(plan.workspace)};
  arguments.insert(arguments.end(), plan.options.begin(), plan.options.end());
  arguments.insert(arguments.end(), {"--", tool_});
  arguments.insert(arguments.end(), plan.tool_options.begin(), plan.tool_options.end());
  return Child(arguments, plan.exit_code);
}

// The run waits for a decision; the receiver hears of it, and what it heard is enough to decide.
bool Demo::RunApproved(const RunPlan& plan) {
  std::atomic<bool> ended{false}, run_good{false};
  std::thread wrapper([&] {
    run_good = RunOne(plan);
    ended = true;
    happenings_.Happened();
  });
  std::string run;
  happenings_.WaitUntil(context_.clock, kRunLimit, [&] {
    for (const ReceivedDelivery& delivery : receiver_->received()) {
      if (delivery.event == "run:needs_attention") run = delivery.run;
    }
    return !run.empty() || ended;  // an interrupted run ends
  });
  bool approved = !run.empty() && Child({"approve", run, "--server", app_->url(), "--token-file", PathOf("admin.token"),
                                         "--comment", "looks right"},
                                        kExitOk);
  wrapper.join();
  return run_good && approved;
}

bool Demo::RunAll() {
  bool good = RunOne({"1. A run that applies", kNetwork, "Set up the network", "deployer", {"--auto-apply"}, {}, 0});
  good = RunOne({"2. A run that fails",
                 kWebsite,
                 "Set up the website",
                 "deployer",
                 {"--auto-apply"},
                 {"-var=fail=true"},
                 1}) &&
         good;
  return RunApproved({"3. A run that needs attention, and is approved",
                      kWebsite,
                      "Repair the website, with one server more",
                      "reporter",
                      {},
                      {"-var=servers=3"},
                      0}) &&
         good;
}

void Demo::OnDelivery(const ReceivedDelivery& delivery) {
  std::string verdict = delivery.valid() ? "both signatures valid"
                                         : fmt::format("X-Signature {}, webhook-signature {}",
                                                       Name(delivery.scalr.verdict), Name(delivery.standard.verdict));
  printer_.Line(fmt::format("  > {} {} ({}) of {}, webhook {}: {}", delivery.id, delivery.event, delivery.reason,
                            delivery.workspace, delivery.webhook, verdict));
  happenings_.Happened();
}

bool Demo::Judge() {
  const auto& expected = DemoExpectations();
  store::Totals totals;
  // A delivery is over when its attempt is on disk, a moment after the receiver has answered.
  happenings_.WaitUntil(context_.clock, kDeliveryLimit, [&] {
    auto counted = app_->store().CountAll();
    if (counted) totals = *counted;
    return interrupted_ || (totals.accepted >= static_cast<int64_t>(expected.size()) && totals.waiting == 0);
  });
  auto problems = CompareDeliveries(expected, receiver_->received());
  if (totals.delivered != static_cast<int64_t>(expected.size()) || totals.accepted != totals.delivered) {
    problems.push_back(fmt::format("the log has {} deliveries: {} delivered, {} waiting, {} failed; expected {}",
                                   totals.accepted, totals.delivered, totals.waiting, totals.failed, expected.size()));
  }
  for (const std::string& problem : problems) printer_.Line("PROBLEM: " + problem);
  if (problems.empty()) {
    printer_.Line(
        fmt::format("\nAll {} expected deliveries arrived, no other, each with valid signatures.", expected.size()));
  }
  return problems.empty();
}

void Demo::Suggest() {
  printer_.Line(fmt::format(R"(
The server goes on. In another shell:
  export RUNBELL_SERVER={0} RUNBELL_TOKEN=$(cat '{1}')
  runbell delivery list                  what was sent
  runbell delivery show ID               one delivery: payload, attempts, timings, why
  runbell delivery resend ID             once more
  runbell delivery tail                  follow while you run:
  runbell run --environment {2} --workspace {3} --chdir '{4}' -- {5}
  runbell runs list                      and `runbell approve ID` for one that waits
Ctrl-C ends it; {6}.)",
                            app_->url(), PathOf("admin.token"), kEnvironmentName, kNetwork, PathOf(kNetwork), tool_,
                            remove_directory_
                                ? "its data directory is removed then (--keep keeps it)"
                                : fmt::format("everything is kept in {0} (`runbell serve --data {0}`)", directory_)));
}

}  // namespace

const std::vector<ExpectedDelivery>& DemoExpectations() {
  static const std::vector<ExpectedDelivery> kExpected = {
      {kNetwork, kInherited, "run:completed", "applied"},  {kWebsite, kInherited, "run:errored", "apply_failed"},
      {kWebsite, kOwn, "run:errored", "apply_failed"},     {kWebsite, kInherited, "run:needs_attention", "approval"},
      {kWebsite, kOwn, "run:needs_attention", "approval"}, {kWebsite, kInherited, "run:completed", "applied"},
      {kWebsite, kOwn, "run:completed", "applied"},
  };
  return kExpected;
}

std::vector<std::string> CompareDeliveries(const std::vector<ExpectedDelivery>& expected,
                                           const std::vector<ReceivedDelivery>& received) {
  std::vector<std::string> problems;
  std::vector<ReceivedDelivery> left = received;
  for (const ExpectedDelivery& want : expected) {
    auto fits = [&](const ReceivedDelivery& got) {
      return got.valid() && got.path == "/" + want.webhook && got.webhook == want.webhook &&
             got.workspace == want.workspace && got.event == want.event && got.reason == want.reason;
    };
    auto found = std::find_if(left.begin(), left.end(), fits);
    if (found == left.end()) {
      problems.push_back(
          fmt::format("missing: {} ({}) of {} by webhook {}", want.event, want.reason, want.workspace, want.webhook));
    } else {
      left.erase(found);
    }
  }
  for (const ReceivedDelivery& got : left) {
    problems.push_back(got.valid()
                           ? fmt::format("not expected: {} {} ({}) of {} at {}", got.id, got.event, got.reason,
                                         got.workspace, got.path)
                           : fmt::format("not validly signed: {} at {}: {}", got.id, got.path, got.scalr.detail));
  }
  return problems;
}

Result<int> RunDemo(Context& context, const DemoOptions& options) { return Demo(context, options).Run(); }

}  // namespace app
