// The course of a wrapped run. Each step returns how the run has ended, or nothing when it goes on. What a run has
// become is told to the server at three places: when planning starts, when the plan is made, and at the end.
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <optional>

#include "base/time_text.h"
#include "base/utf8.h"
#include "runner/given_values.h"
#include "runner/tool.h"
#include "runner/watcher.h"

namespace runner {

using base::Code;
using base::Error;
using base::Result;
using run::Reason;
using run::Status;

namespace {

// How a run has ended.
struct End {
  Status status = Status::kErrored;
  Reason reason = Reason::kNone;
  int exit_code = kExitFailed;
  std::string error_summary = {};
  bool to_report = true;  // false: the server knows, or knows better
};
using Course = std::optional<End>;  // nothing: the run goes on

End Canceled() { return {.status = Status::kCanceled, .reason = Reason::kCanceled, .exit_code = kExitCanceled}; }

// A directory that only this user can enter, gone at the end: a saved plan holds secrets in clear.
class PrivateDirectory {
 public:
  static Result<std::unique_ptr<PrivateDirectory>> Make(const std::string& parent) {
    std::string path = parent + "/runbell.XXXXXX";
    if (mkdtemp(path.data()) == nullptr) {
      return Error(Code::kUnavailable, "make a directory in " + parent + ": " + strerrordesc_np(errno));
    }
    return std::make_unique<PrivateDirectory>(std::move(path));
  }
  explicit PrivateDirectory(std::string path) : path_(std::move(path)) {}
  ~PrivateDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  PrivateDirectory(const PrivateDirectory&) = delete;
  PrivateDirectory& operator=(const PrivateDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

}  // namespace

struct Wrapper::Impl {
  Impl(RunOptions o, ApiClient& a, World w)
      : options(std::move(o)),
        api(a),
        world(std::move(w)),
        printer(world, options),
        reporter(options, api, world.clock, world.random, [this](const std::string& text) { printer.Notice(text); }) {}
  ~Impl();

  int Run();
  Course Register();
  Course StartPlanning();
  Course WaitInQueue();
  Course Init();
  Course Plan();
  Course Decide();
  Course WaitForDecision();
  Course ByServer(Status status, Reason reason);
  Course AfterRefusal();
  End Apply();
  End Failed(Reason reason, const Result<ToolEnd>& ended);
  void Conclude(const End& end);

  void AwaitNews(bool with_terminal);
  void ForgetTyped();
  void TakeTyped(std::string_view line, const RunInfo& run);

  RunOptions options;
  ApiClient& api;
  World world;
  Printer printer;
  Control control;
  Reporter reporter;
  std::optional<Watcher> watcher;
  std::optional<Tool> tool;
  std::atomic<bool> concluding = false;

  bool has_changes = false;
  std::vector<std::string> secrets;  // of the environment
  run::SensitiveValues sensitive;    // until the plan has told, every value that was given counts as sensitive
  bool plan_made = false, marks_known = false;
  std::string typed;  // of the terminal, up to the next line break
  bool terminal_open = true;
};

Wrapper::Impl::~Impl() {
  api.Stop();
  reporter.GiveUp();
  watcher.reset();
}

int Wrapper::Impl::Run() {
  auto command = ParseToolCommand(options);
  if (!command) {
    printer.Notice(command.error().Text());
    return kExitUsage;
  }
  options.destroy = command->destroy;
  secrets = SecretsIn(world.environment);
  sensitive.values = GivenValues(*command, world.environment);
  sensitive.values.insert(sensitive.values.end(), secrets.begin(), secrets.end());
  auto directory = PrivateDirectory::Make(options.temp_directory);
  if (!directory) {
    printer.Notice(directory.error().Text());
    return kExitFailed;
  }
  tool.emplace(*std::move(command), (*directory)->path() + "/plan", world.clock, control, printer);
  Course end = Register();
  if (!end) end = StartPlanning();
  if (!end) end = Init();
  if (!end) end = Plan();
  if (!end) end = Decide();
  if (!end) end = Apply();
  Conclude(*end);
  return end->exit_code;
}

// ---- before the plan ----

Course Wrapper::Impl::Register() {
  auto registered = reporter.Register();
  if (registered) {
    printer.Registered(*registered);
    return {};
  }
  const bool unreachable = registered.error().code == Code::kUnavailable;
  printer.Notice(registered.error().Text());
  if (!unreachable || options.require_server) {
    End end = Canceled();
    end.exit_code = unreachable ? kExitUnreachable : kExitUsage;
    end.to_report = false;
    return end;
  }
  printer.Notice(
      "the run goes on as far as nobody has to approve it; reports are kept until the server can be reached");
  return {};
}

Course Wrapper::Impl::StartPlanning() {
  watcher.emplace(api, reporter, control, world.clock);
  for (bool told = false;; told = true) {
    if (control.interrupted()) return Canceled();
    const Sent sent = reporter.Send({.status = Status::kPlanning});
    if (sent == Sent::kRefused) {
      auto end = AfterRefusal();
      if (end->exit_code == kExitUndecided) end->exit_code = kExitUsage;
      return end;
    }
    if (sent == Sent::kKept && options.require_server) {
      End end = Canceled();
      end.exit_code = kExitUnreachable;
      return end;
    }
    if (sent != Sent::kQueued) break;
    if (!told) printer.Notice("another run of this workspace is active; this one waits for its turn");
    if (auto end = WaitInQueue()) return end;
  }
  watcher->LeaveQueue();
  printer.Reached(Status::kPlanning);
  return {};
}

Course Wrapper::Impl::WaitInQueue() {
  for (;;) {
    const auto news = control.Read();
    if (news.interrupted) return Canceled();
    if (news.seen && run::IsFinal(news.seen->status)) return ByServer(news.seen->status, news.seen->reason);
    if (news.feed_moved) return {};
    AwaitNews(false);
  }
}

Course Wrapper::Impl::Init() {
  if (!options.init) return {};
  auto ended = tool->Init();
  if (ended && ended->exit.code == 0 && !control.interrupted()) return {};
  if (control.interrupted()) return Canceled();
  return Failed(Reason::kInitFailed, ended);
}

// ---- the plan ----

Course Wrapper::Impl::Plan() {
  auto ended = tool->Plan();
  if (!ended) return Failed(Reason::kPlanFailed, ended);
  // An interrupt that came before the tool could handle it ends it by the signal; nothing was changed yet.
  if (ended->tracker.interrupted() || (control.interrupted() && ended->exit.signal != 0)) return Canceled();
  if (ended->unsupported) {
    ended->errors = {run::StreamLine()};
    ended->errors.front().summary = "the tool writes a version of its JSON stream that Runbell does not understand";
  }
  if ((ended->exit.code != 0 && ended->exit.code != 2) || ended->unsupported) {
    return Failed(Reason::kPlanFailed, ended);
  }
  has_changes = ended->exit.code == 2;
  plan_made = true;
  Report report{.status = Status::kPlanned, .has_changes = has_changes, .counts = ended->tracker.counts()};
  if (auto summary = tool->Show()) {
    sensitive = std::move(summary->sensitive);
    sensitive.values.insert(sensitive.values.end(), secrets.begin(), secrets.end());
    marks_known = true;
    printer.SetMasks(sensitive);
    report.counts = summary->counts;
    report.changes = std::move(summary->changes);
    const run::Masker masker(sensitive);
    for (run::ChangedResource& change : report.changes) change.address = base::Harmless(masker.Mask(change.address));
  } else {
    printer.Notice("the plan's sensitivity marks cannot be read (" + summary.error().Text() +
                   "); neither addresses nor error texts will be reported");
  }
  if (control.interrupted()) return Canceled();
  if (reporter.Send(std::move(report)) == Sent::kRefused) return AfterRefusal();
  printer.Reached(Status::kPlanned);
  return {};
}

// ---- the decision ----

Course Wrapper::Impl::Decide() {
  if (control.interrupted()) return Canceled();
  if (!has_changes || options.plan_only) {
    return End{.status = Status::kPlannedAndFinished,
               .reason = has_changes ? Reason::kPlanOnly : Reason::kNoChanges,
               .exit_code = kExitOk};
  }
  const auto run = reporter.run();
  if (run ? run->auto_apply : options.auto_apply) return {};
  return WaitForDecision();
}

Course Wrapper::Impl::WaitForDecision() {
  bool told = false;
  if (!reporter.run()) {
    printer.Notice("this plan needs an approval, which only the server can tell of; waiting until it can be reached");
  }
  ForgetTyped();
  for (;;) {
    const auto news = control.Read();
    if (news.interrupted) return Canceled();
    if (reporter.dead()) return AfterRefusal();
    const auto run = reporter.run();
    if (run && run->auto_apply) return {};
    if (run && !std::exchange(told, true)) {
      printer.Waiting(*run);
      printer.Prompt();
    }
    if (news.seen) {
      const Status status = news.seen->status;
      if (status == Status::kConfirmed || status == Status::kApplyQueued || status == Status::kApplying) return {};
      if (run::IsFinal(status)) return ByServer(status, news.seen->reason);
    }
    AwaitNews(run.has_value());
    for (size_t end = typed.find('\n'); run && end != std::string::npos; end = typed.find('\n')) {
      const std::string line = typed.substr(0, end);
      typed.erase(0, end + 1);
      TakeTyped(line, *run);
    }
  }
}

Course Wrapper::Impl::ByServer(Status status, Reason reason) {
  End end{.status = status, .reason = reason, .exit_code = kExitUndecided, .to_report = false};
  if (status == Status::kDiscarded) end.exit_code = kExitDiscarded;
  if (status == Status::kCanceled) end.exit_code = kExitCanceled;
  return end;
}

// The reporter has said why; what the run is on the server says how this one ends.
Course Wrapper::Impl::AfterRefusal() {
  const auto run = reporter.run();
  if (run) {
    if (auto document = api.Get("runs/" + run->id)) {
      const auto status = run::ParseStatus(base::StringAt(*document, {"data", "attributes", "status"}).value_or(""));
      const auto reason = run::ParseReason(base::StringAt(*document, {"data", "attributes", "reason"}).value_or(""));
      if (status && run::IsFinal(*status)) return ByServer(*status, reason.value_or(Reason::kNone));
    }
  }
  End end = Canceled();
  end.exit_code = kExitUndecided;
  return end;
}

// What was typed before the question was asked is no answer to it.
void Wrapper::Impl::ForgetTyped() {
  if (world.terminal < 0) return;
  std::array<char, 4096> buffer;
  for (pollfd waiting{world.terminal, POLLIN, 0}; poll(&waiting, 1, 0) > 0 && (waiting.revents & POLLIN) != 0;) {
    if (read(world.terminal, buffer.data(), buffer.size()) <= 0) break;
  }
}

void Wrapper::Impl::AwaitNews(bool with_terminal) {
  const bool listen = with_terminal && world.terminal >= 0 && terminal_open;
  std::array<pollfd, 2> watched = {{{control.wake_fd(), POLLIN, 0}, {listen ? world.terminal : -1, POLLIN, 0}}};
  if (poll(watched.data(), watched.size(), -1) < 0 || watched[1].revents == 0) return;
  std::array<char, 4096> buffer;
  const ssize_t got = read(world.terminal, buffer.data(), buffer.size());
  if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) terminal_open = false;
  if (got > 0) typed.append(buffer.data(), static_cast<size_t>(got));
}

void Wrapper::Impl::TakeTyped(std::string_view line, const RunInfo& run) {
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
  if (line != "yes" && line != "no") return printer.Prompt();
  const std::string action = line == "yes" ? "apply" : "discard";
  auto answer = api.Post("runs/" + run.id + "/actions/" + action, base::json::object());
  if (answer) return;  // the change feed brings what it led to
  const Code code = answer.error().code;
  const bool denied = code == Code::kDenied || code == Code::kNotFound;
  printer.Notice(denied ? "this token may not decide on the run (scope approve); waiting for a decision elsewhere"
                        : answer.error().Text());
}

// ---- the apply, and the end ----

End Wrapper::Impl::Apply() {
  if (control.interrupted()) return Canceled();
  if (reporter.Send({.status = Status::kApplying}) == Sent::kRefused) return *AfterRefusal();
  printer.Reached(Status::kApplying);
  auto ended = tool->Apply();
  if (!ended) return Failed(Reason::kApplyFailed, ended);
  if (!ended->tracker.has_summary()) printer.Stopped(ended->tracker.counts());
  if (ended->tracker.interrupted() || (control.interrupted() && ended->exit.signal != 0)) return Canceled();
  if (ended->exit.code != 0) return Failed(Reason::kApplyFailed, ended);
  return {.status = Status::kApplied,
          .reason = options.destroy ? Reason::kDestroyed : Reason::kApplied,
          .exit_code = kExitOk};
}

End Wrapper::Impl::Failed(Reason reason, const Result<ToolEnd>& ended) {
  End end{.status = Status::kErrored, .reason = reason, .exit_code = kExitFailed};
  if (!ended) {
    printer.Notice(ended.error().Text());
    end.error_summary = "Error: " + ended.error().Text();
  } else if (!plan_made || marks_known) {
    end.error_summary = run::ErrorSummary(ended->errors, sensitive);
  }
  return end;
}

void Wrapper::Impl::Conclude(const End& end) {
  concluding = true;
  bool kept = false;
  if (end.to_report) {
    kept =
        reporter.Send({.status = end.status, .reason = end.reason, .error_summary = end.error_summary}) == Sent::kKept;
  }
  if (kept) {
    printer.Notice("reports are still to be delivered; trying for " + base::FormatDuration(options.last_words) +
                   " (interrupt to stop)");
    const size_t left = reporter.Finish(options.last_words);
    if (left > 0) {
      printer.Notice(std::to_string(left) +
                     " report(s) could not be delivered; the server does not know how this ended");
    }
  }
  printer.Ended(end.status, end.reason, end.exit_code);
}

Wrapper::Wrapper(RunOptions options, ApiClient& api, World world)
    : impl_(std::make_unique<Impl>(std::move(options), api, std::move(world))) {}
Wrapper::~Wrapper() = default;

int Wrapper::Run() { return impl_->Run(); }

void Wrapper::Interrupt() {
  impl_->control.Interrupt();
  if (impl_->concluding) impl_->reporter.GiveUp();
}

}  // namespace runner
