#include "runner/reporter.h"

#include <algorithm>

#include "base/ids.h"
#include "net/net.h"

namespace runner {

using base::Code;
using base::Error;
using base::Result;
using base::json::array;
using base::json::object;
using base::json::value;

namespace {

constexpr base::Micros kFirstRetry{1'000'000};
constexpr base::Micros kLongestRetry{30'000'000};
constexpr size_t kMaxChangesSent = 2000;  // the server lists fewer and counts the rest
constexpr size_t kKeyChars = 24;

value Document(std::string_view type, object attributes, object relationships = {}) {
  object data{{"type", type}, {"attributes", std::move(attributes)}};
  if (!relationships.empty()) data["relationships"] = std::move(relationships);
  return object{{"data", std::move(data)}};
}

value Link(std::string_view type, std::string_view id) { return object{{"data", object{{"type", type}, {"id", id}}}}; }

object Attributes(const Report& report, const std::string& key) {
  object out{{"status", run::Name(report.status)}, {"key", key}};
  if (report.reason != run::Reason::kNone) out["reason"] = run::Name(report.reason);
  if (report.has_changes) out["has-changes"] = *report.has_changes;
  if (report.counts) {
    out["plan"] = object{{"add", report.counts->add},
                         {"change", report.counts->change},
                         {"destroy", report.counts->destroy},
                         {"import", report.counts->import}};
  }
  if (!report.changes.empty()) {
    array changes;
    for (const auto& change : report.changes) {
      if (changes.size() == kMaxChangesSent) break;
      changes.push_back(object{{"address", change.address}, {"action", change.action}});
    }
    out["changed-addresses"] = std::move(changes);
  }
  if (!report.error_summary.empty()) out["error-summary"] = report.error_summary;
  return out;
}

Result<std::string> IdOf(const value& document) {
  auto id = base::StringAt(document, {"data", "id"});
  if (!id) return Error(Code::kUnavailable, "the server's answer names no id");
  return *std::move(id);
}

// A place that is looked up by name.
struct Place {
  std::string type;  // "workspaces"
  std::string name;
  std::string query;  // what narrows the list: "&filter%5Benvironment%5D=env-..."
  object relationships;
  bool is_id = false;
};

Result<std::optional<std::string>> FindPlace(ApiClient& api, const Place& place) {
  if (place.is_id) return std::optional(place.name);
  RB_ASSIGN(auto document, api.Get(place.type + "?filter%5Bname%5D=" + net::EncodePercent(place.name) + place.query));
  const auto* rows = base::At(document, {"data"});
  if (!rows || !rows->is_array())
    return Error(Code::kUnavailable, "the server's list of " + place.type + " has no rows");
  for (const auto& row : rows->get_array()) {
    if (base::StringAt(row, {"attributes", "name"}) == place.name) return base::StringAt(row, {"id"});
  }
  return std::optional<std::string>();
}

Result<std::string> FindOrMake(ApiClient& api, const Place& place, bool create) {
  RB_ASSIGN(auto found, FindPlace(api, place));
  if (found) return *std::move(found);
  const std::string words = place.type.substr(0, place.type.size() - 1) + " " + place.name;
  if (!create) return Error(Code::kNotFound, "there is no " + words + " that this token may see (--create makes it)");
  auto made = api.Post(place.type, Document(place.type, {{"name", place.name}}, place.relationships));
  if (made) return IdOf(*made);
  // Another run may have made it in the meantime.
  RB_ASSIGN(found, FindPlace(api, place));
  if (found) return *std::move(found);
  return std::move(made).error().In("make the " + words);
}

}  // namespace

Reporter::Reporter(const RunOptions& options, ApiClient& api, base::Clock& clock, base::Random& random,
                   std::function<void(const std::string&)> notice)
    : options_(options),
      api_(api),
      clock_(clock),
      random_(random),
      notice_(std::move(notice)),
      run_key_(random.Alphanumeric(kKeyChars)) {
  thread_ = std::thread([this] { Work(); });
}

Reporter::~Reporter() {
  state_.Lock()->stop = true;
  state_.NotifyAll();
  thread_.join();
  clock_.Cancel(retry_timer_);
  clock_.Cancel(beat_timer_);
}

// ---- for the thread that runs the tool ----

Result<RunInfo> Reporter::Register() {
  auto state = state_.Lock();
  state->register_now = true;
  state_.NotifyAll();
  state.Wait([&] { return state->registered_once; });
  if (state->run) return *state->run;
  return *state->refusal;
}

Sent Reporter::Send(Report report) {
  Entry entry{std::move(report), random_.Alphanumeric(kKeyChars)};
  auto state = state_.Lock();
  if (state->dead) return Sent::kRefused;
  entry.awaited = !state->backing_off;
  state->queue.push_back(std::move(entry));
  if (state->backing_off) return Sent::kKept;
  state->outcome.reset();
  state_.NotifyAll();
  state.Wait([&] { return state->outcome.has_value(); });
  return *state->outcome;
}

size_t Reporter::Finish(base::Micros limit) {
  {
    auto state = state_.Lock();
    if (state->queue.empty()) return 0;
    state->backing_off = false;
  }
  state_.NotifyAll();
  auto timer = clock_.CallAt(clock_.Mono() + limit, [this] { GiveUp(); });
  size_t left = 0;
  {
    auto state = state_.Lock();
    state.Wait([&] { return state->queue.empty() || state->give_up; });
    left = state->queue.size();
  }
  clock_.Cancel(timer);
  return left;
}

void Reporter::GiveUp() {
  state_.Lock()->give_up = true;
  state_.NotifyAll();
}

std::optional<Error> Reporter::refusal() { return state_.Lock()->refusal; }
bool Reporter::dead() { return state_.Lock()->dead; }
std::optional<RunInfo> Reporter::run() { return state_.Lock()->run; }

std::optional<RunInfo> Reporter::AwaitRun() {
  auto state = state_.Lock();
  state.Wait([&] { return state->run || state->dead || state->give_up || state->stop; });
  return state->run;
}

void Reporter::Beat() {
  state_.Lock()->beat_due = true;
  state_.NotifyAll();
}

// ---- the reporter's thread ----

void Reporter::Work() {
  for (;;) {
    switch (NextJob()) {
      case Job::kStop: return;
      case Job::kRegister:
        if (auto status = TryRegister(); !status) Settle(NotTaken(std::move(status).error()));
        break;
      case Job::kReport: DoReport(); break;
      case Job::kBeat: DoBeat(); break;
    }
  }
}

Reporter::Job Reporter::NextJob() {
  auto state = state_.Lock();
  auto wants_run = [&] { return !state->run && (state->register_now || !state->queue.empty()); };
  auto can_beat = [&] { return state->beat_due && state->run && !run::IsFinal(state->accepted); };
  state.Wait([&] {
    const bool work = wants_run() || !state->queue.empty() || can_beat();
    return state->stop || (work && !state->backing_off && !state->dead);
  });
  if (state->stop) return Job::kStop;
  if (wants_run()) return Job::kRegister;
  if (!can_beat()) return Job::kReport;
  // Before any report: those of a run that waits in the queue are refused until its turn comes.
  state->beat_due = false;
  return Job::kBeat;
}

base::Status Reporter::TryRegister() {
  RB_ASSIGN(std::string workspace, FindOrMakePlaces());
  RB_ASSIGN(RunInfo run, CreateRun(workspace));
  {
    auto state = state_.Lock();
    state->run = std::move(run);
    state->register_now = false;
    state->registered_once = true;
    state->failures = 0;
  }
  ArmBeat(options_.heartbeat);
  state_.NotifyAll();
  return {};
}

Result<std::string> Reporter::FindOrMakePlaces() {
  Place environment{.type = "environments", .name = options_.environment, .query = {}, .relationships = {}};
  environment.is_id = base::Parse<base::EnvironmentId>(environment.name).has_value();
  RB_ASSIGN(std::string environment_id, FindOrMake(api_, environment, options_.create));
  Place workspace{.type = "workspaces", .name = options_.workspace, .query = {}, .relationships = {}};
  workspace.is_id = base::Parse<base::WorkspaceId>(workspace.name).has_value();
  workspace.query = "&filter%5Benvironment%5D=" + environment_id;
  workspace.relationships["environment"] = Link("environments", environment_id);
  return FindOrMake(api_, workspace, options_.create);
}

Result<RunInfo> Reporter::CreateRun(const std::string& workspace) {
  object attributes{
      {"source", "cli"}, {"key", run_key_}, {"is-destroy", options_.destroy}, {"is-dry", options_.plan_only}};
  if (!options_.message.empty()) attributes["message"] = options_.message;
  if (options_.auto_apply) attributes["auto-apply"] = true;
  object relationships{{"workspace", Link("workspaces", workspace)}};
  RB_ASSIGN(auto document, api_.Post("runs", Document("runs", std::move(attributes), std::move(relationships))));
  RunInfo run;
  RB_ASSIGN(run.id, IdOf(document));
  run.url = base::StringAt(document, {"data", "attributes", "url"}).value_or("");
  if (run.url.starts_with('/')) run.url = api_.server() + run.url;
  run.auto_apply = base::BoolAt(document, {"data", "attributes", "auto-apply"}).value_or(options_.auto_apply);
  return run;
}

base::Status Reporter::Post(const Report& report, const std::string& key) {
  const std::string id = run()->id;
  auto answer =
      api_.Post("runs/" + id + "/status-transitions", Document("status-transitions", Attributes(report, key)));
  if (!answer) return std::move(answer).error();
  return {};
}

base::Status Reporter::PostAccepted() {
  const run::Status accepted = state_.Lock()->accepted;
  return Post({.status = accepted}, random_.Alphanumeric(kKeyChars));
}

void Reporter::DoReport() {
  const Entry entry = state_.Lock()->queue.front();
  Settle(Deliver(entry));
}

Reporter::Outcome Reporter::Deliver(const Entry& entry) {
  for (bool resumed = false;; resumed = true) {
    auto posted = Post(entry.report, entry.key);
    if (posted) return {};
    if (posted.error().code != Code::kConflict) return NotTaken(std::move(posted).error());
    // It may pass: the workspace is busy, or the run was declared lost and can be taken back.
    auto document = api_.Get("runs/" + run()->id);
    if (!document) return NotTaken(std::move(document).error());
    const auto status = base::StringAt(*document, {"data", "attributes", "status"});
    const auto reason = base::StringAt(*document, {"data", "attributes", "reason"});
    if (status == run::Name(run::Status::kPending)) return {Sent::kQueued, std::move(posted).error()};
    if (reason != run::Name(run::Reason::kLost) || resumed) return {Sent::kRefused, std::move(posted).error()};
    auto back = PostAccepted();
    if (!back) return NotTaken(std::move(back).error());
  }
}

Reporter::Outcome Reporter::NotTaken(Error error) {
  return {error.code == Code::kUnavailable ? Sent::kKept : Sent::kRefused, std::move(error)};
}

void Reporter::DoBeat() {
  auto posted = PostAccepted();
  // What a refusal means (the run has been decided on, say) the watcher sees; there is nothing to repeat.
  ArmBeat(posted ? options_.heartbeat : options_.heartbeat / 4);
}

// What follows from an attempt, for after the lock is given up.
struct Reporter::Effects {
  std::string notice;
  std::optional<base::Micros> retry_in;
  bool alive = false;  // the server has heard of the run just now
};

void Reporter::Settle(const Outcome& outcome) {
  Effects effects;
  {
    auto state = state_.Lock();
    switch (outcome.sent) {
      case Sent::kAccepted: OnAccepted(*state, effects); break;
      case Sent::kQueued: OnQueued(*state, effects); break;
      case Sent::kRefused: OnRefused(*state, *outcome.error, effects); break;
      case Sent::kKept: OnKept(*state, *outcome.error, effects); break;
    }
    state->register_now = false;
    state->registered_once = true;
  }
  if (effects.retry_in) SetTimer(retry_timer_, *effects.retry_in, [](State& state) { state.backing_off = false; });
  if (effects.alive) ArmBeat(options_.heartbeat);
  if (!effects.notice.empty()) notice_(effects.notice);
  state_.NotifyAll();
}

void Reporter::OnAccepted(State& state, Effects& effects) {
  state.accepted = state.queue.front().report.status;
  if (state.queue.front().awaited) state.outcome = Sent::kAccepted;
  state.queue.pop_front();
  state.failures = 0;
  effects.alive = true;
  if (!state.unreachable || !state.queue.empty()) return;
  state.unreachable = false;
  effects.notice = "the server has all reports now";
}

// Whoever waits for this report decides; a report that was kept just waits for its turn.
void Reporter::OnQueued(State& state, Effects& effects) {
  if (!state.queue.front().awaited) return BackOff(state, effects);
  state.outcome = Sent::kQueued;
  state.queue.pop_front();
}

void Reporter::OnRefused(State& state, const Error& error, Effects& effects) {
  state.refusal = error;
  state.dead = !state.run;
  if (state.dead) {
    if (!state.register_now) effects.notice = "the server refuses the run: " + error.Text();
    state.queue.clear();
    state.outcome = Sent::kRefused;
    return;
  }
  effects.notice = "the server refuses a report: " + error.Text();
  if (state.queue.front().awaited) state.outcome = Sent::kRefused;
  state.queue.pop_front();
}

void Reporter::OnKept(State& state, const Error& error, Effects& effects) {
  state.refusal = error;
  if (!state.unreachable && !state.register_now) {
    effects.notice = error.Text() + "; reports are kept until it can be reached";
  }
  state.unreachable = true;
  BackOff(state, effects);
}

void Reporter::BackOff(State& state, Effects& effects) {
  base::Micros delay = kFirstRetry;
  for (int i = 0; i < state.failures && delay < kLongestRetry; ++i) delay *= 2;
  ++state.failures;
  state.backing_off = true;
  effects.retry_in = std::min(delay, kLongestRetry);
  for (auto& entry : state.queue) {
    if (std::exchange(entry.awaited, false)) state.outcome = Sent::kKept;
  }
}

void Reporter::ArmBeat(base::Micros delay) {
  SetTimer(beat_timer_, delay, [](State& state) { state.beat_due = true; });
}

void Reporter::SetTimer(base::Clock::TimerId& timer, base::Micros delay, void (*effect)(State&)) {
  clock_.Cancel(timer);
  timer = clock_.CallAt(clock_.Mono() + delay, [this, effect] {
    effect(*state_.Lock());
    state_.NotifyAll();
  });
}

}  // namespace runner
