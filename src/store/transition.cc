#include "store/transition.h"

#include <algorithm>

namespace store {

using base::Code;
using base::Error;
using base::Place;
using base::Principal;
using base::Result;
using base::Scope;
using base::Status;

namespace {

constexpr size_t kMaxChanges = 200;
constexpr base::Micros kSeenEvery{20'000'000};  // a heartbeat is written at most this often

Status CheckMay(const Principal& who, run::Action action, const Place& place) {
  switch (action) {
    case run::Action::kReport:
      if (who.May(Scope::kReport, place)) return {};
      return Denied("report runs");
    case run::Action::kApply:
    case run::Action::kDiscard:
    case run::Action::kOverride:
      if (who.May(Scope::kApprove, place)) return {};
      return Denied("approve or discard runs");
    case run::Action::kCancel:
      if (who.May(Scope::kApprove, place) || who.May(Scope::kWrite, place)) return {};
      return Denied("cancel runs");
    case run::Action::kExpire:
    case run::Action::kLose:
      if (!who.token) return {};
      return Denied("expire runs");
  }
  return Denied("do that");
}

Status CheckRequest(const TransitionRequest& request) {
  RB_TRY(CheckText("key", request.key, kMaxKeyChars));
  RB_TRY(CheckText("comment", request.comment, kMaxCommentChars));
  if (request.error_summary) RB_TRY(CheckText("error-summary", *request.error_summary, run::kErrorSummaryChars));
  return {};
}

// A workspace works on one run at a time, in the order in which they were created. Plan-only runs stand aside, and
// those without an executor hold no place.
static_assert(static_cast<int>(run::Driver::kReporter) == 0);
Status CheckTurn(Db& db, const Run& run, const run::Step& step) {
  const bool leaves = run.facts.status == run::Status::kPending && step.status != run::Status::kPending;
  if (!leaves || run::IsFinal(step.status) || run.facts.is_dry) return {};
  Rows rows = db.Query(
      "SELECT id, status FROM runs WHERE workspace = ?1 AND status < 12 AND is_dry = 0 AND driver <> 2 AND id <> ?2 "
      "AND "
      "(status > 0 OR (id < ?2 AND driver = 0)) ORDER BY id LIMIT 1",
      run.workspace, run.id);
  if (!rows.Next()) return {};
  base::RunId other;
  run::Status status{};
  rows.Read(other, status);
  return Error(Code::kConflict, "run is pending; it cannot become " + std::string(Name(step.status)) + " while run " +
                                    Format(other) + " of the workspace is " + std::string(Name(status)));
}

// A key stands for one report. Keys of a database of version 1 do not say which.
Status CheckSame(const TransitionRequest& request, const std::optional<run::Status>& first) {
  if (!first || *first == request.move.to) return {};
  return Error(Code::kConflict, "the key was used for a report of " + std::string(Name(*first)) +
                                    " before; it cannot stand for " + std::string(Name(request.move.to)) + " too");
}

Result<Transitioned> AnswerAgain(Writing& w, StoredRun stored, int64_t event, int deliveries) {
  Transitioned answer;
  ReadPosition(w.db, stored.run);
  answer.run = std::move(stored.run);
  if (event != 0) answer.event = base::EventId{event};
  answer.deliveries = deliveries;
  answer.repeated = true;
  return answer;
}

bool SameChanges(const Run& run, const std::vector<run::ChangedResource>& given) {
  const size_t kept = std::min(given.size(), kMaxChanges);
  return given.size() == run.changes.size() + static_cast<size_t>(run.changes_left_out) &&
         std::equal(run.changes.begin(), run.changes.end(), given.begin(), given.begin() + static_cast<ptrdiff_t>(kept),
                    [](const auto& a, const auto& b) { return a.address == b.address && a.action == b.action; });
}

// People decide on what the plan said, so it stands once it was told with `planned`; at the end everything stands. A
// report that takes a lost run back finds it where it was.
Status CheckFrozen(const Run& run, const TransitionRequest& request, const run::Step& step) {
  const run::Status at = step.changed ? run.facts.lost_from.value_or(run.facts.status) : run.facts.status;
  if (at < run::Status::kPlanned) return {};
  const bool over = run::IsFinal(at);
  const bool told_changes = !run.changes.empty();
  std::string_view differs;
  if (request.plan && request.plan != run.plan && (run.plan || over)) differs = "plan";
  if (request.changes && !SameChanges(run, *request.changes) && (told_changes || over)) differs = "changed-addresses";
  if (over && request.error_summary && *request.error_summary != run.error_summary) differs = "error-summary";
  if (differs.empty()) return {};
  return Error(Code::kConflict, "run is " + std::string(Name(run.facts.status)) + "; its " + std::string(differs) +
                                    " cannot change any more");
}

// Takes over what the reporter tells besides the state; true when anything is new.
bool TakeFacts(Run& run, TransitionRequest& request) {
  bool news = false;
  if (request.plan && request.plan != run.plan) {
    run.plan = request.plan;
    news = true;
  }
  if (request.error_summary && *request.error_summary != run.error_summary) {
    run.error_summary = std::move(*request.error_summary);
    news = true;
  }
  if (request.changes) {
    run.changes = std::move(*request.changes);
    const size_t all = run.changes.size();
    run.changes.resize(std::min(all, kMaxChanges));
    run.changes_left_out = static_cast<int>(all - run.changes.size());
    news = true;
  }
  return news;
}

void TakeStep(Run& run, const run::Step& step, base::WallTime now) {
  run.facts.status = step.status;
  run.facts.reason = step.reason;
  run.facts.lost_from = step.lost_from;
  run.facts.has_changes = step.has_changes;
  if (step.cancel_requested) run.cancel_requested = true;
  if (run::IsFinal(step.status)) run.cancel_requested = false;
  if (step.changed) Reach(run, step.status, now);
}

std::string DetailOf(const run::Step& step, const std::string& comment) {
  std::string detail(Name(step.reason));
  if (!comment.empty()) detail += (detail.empty() ? "" : ": ") + comment;
  return detail;
}

}  // namespace

Result<Transitioned> TransitionRun(Writing& w, const Principal& who, TransitionRequest request) {
  auto stored = FindRun({w.db, w.shared}, request.run);
  if (!stored || !who.May(Scope::kRead, {stored->run.environment, stored->run.workspace})) {
    return NotFound("Run", request.run);
  }
  Run& run = stored->run;
  RB_TRY(CheckMay(who, request.move.action, {run.environment, run.workspace}));
  RB_TRY(CheckRequest(request));
  const int64_t digest = request.key.empty() ? 0 : DigestOfKey(request.key);
  if (!request.key.empty()) {
    Rows rows = w.db.Query("SELECT event, deliveries, status FROM transition_keys WHERE run = ? AND digest = ?", run.id,
                           digest);
    if (rows.Next()) {
      RB_TRY(CheckSame(request, rows.Get<std::optional<run::Status>>(2)));
      return AnswerAgain(w, std::move(*stored), rows.Get<int64_t>(0), rows.Get<int>(1));
    }
  }
  run.facts.discard_is_errored = w.shared.options.discard_is_errored;
  RB_ASSIGN(const run::Step step, run::Decide(run.facts, request.move));
  RB_TRY(CheckTurn(w.db, run, step));
  RB_TRY(CheckFrozen(run, request, step));

  const bool changes_too = request.changes.has_value();
  const bool cancel_is_new = step.cancel_requested && !run.cancel_requested;
  const bool adopted = request.move.action == run::Action::kReport && run.facts.driver == run::Driver::kNone;
  const bool news = TakeFacts(run, request) || step.changed || cancel_is_new || adopted;
  const bool seen = request.move.action == run::Action::kReport && (news || w.now - stored->last_seen_at >= kSeenEvery);
  TakeStep(run, step, w.now);
  if (adopted) run.facts.driver = run::Driver::kReporter;  // somebody executes it after all
  if (seen) stored->last_seen_at = w.now;
  if (news) run.updated_at = w.now;

  Transitioned answer;
  answer.changed = step.changed;
  if (step.event) {
    const Fired fired = FireEvent(w, run, *step.event, stored->last_event);
    if (fired.event) answer.event = stored->last_event = fired.event;
    answer.deliveries = fired.deliveries;
  }
  if (news || seen) WriteRun(w, *stored, changes_too);
  if (!request.key.empty()) {
    w.db.Exec("INSERT INTO transition_keys VALUES (?, ?, ?, ?, ?)", run.id, digest,
              answer.event.value_or(base::EventId()), answer.deliveries, request.move.to);
  }
  if (step.changed) {
    w.Note(who, {RunReached(step.status), 0, run.id, {}, DetailOf(step, request.comment)});
  } else if (cancel_is_new) {
    w.Note(who, {Action::kRunCancelRequested, 0, run.id, {}, request.comment});
  } else if (news) {
    w.Note(who, {Action::kRunUpdated, 0, run.id, {}, {}});
  }
  ReadPosition(w.db, run);
  answer.run = std::move(run);
  return answer;
}

Result<Swept> SweepLiveRuns(Writing& w) {
  constexpr int kBatch = 500;
  struct Due {
    base::RunId run;
    run::Driver driver{};
  };
  std::vector<Due> due;
  {
    // While no process was there to hear them, reporters were not silent.
    const base::WallTime silent_since = w.now - w.shared.options.lost_after;
    const base::WallTime heard_last = w.shared.opened_at <= silent_since ? silent_since : base::WallTime::min();
    Rows rows = w.db.Query(
        "SELECT id, driver FROM runs WHERE status < 12 AND ((driver = ? AND last_seen_at <= ?) OR (driver = ? AND "
        "created_at <= ?)) LIMIT ?",
        run::Driver::kReporter, heard_last, run::Driver::kNone, w.now - w.shared.options.expire_after, kBatch);
    while (rows.Next()) {
      Due& one = due.emplace_back();
      rows.Read(one.run, one.driver);
    }
  }
  Swept swept;
  for (const Due& one : due) {
    TransitionRequest request;
    request.run = one.run;
    request.move.action = one.driver == run::Driver::kNone ? run::Action::kExpire : run::Action::kLose;
    auto moved = FailingAlone(w, [&] { return TransitionRun(w, Principal::System(), std::move(request)); });
    if (moved) {
      ++swept.moved;
    } else {
      swept.skipped.push_back(std::move(moved).error());
    }
  }
  return swept;
}

Status CancelLiveRuns(Writing& w, const Principal& who, base::WorkspaceId id) {
  std::vector<base::RunId> live;
  {
    Rows rows = w.db.Query("SELECT id FROM runs WHERE workspace = ? AND status < 12 ORDER BY id", id);
    while (rows.Next()) live.push_back(rows.Get<base::RunId>(0));
  }
  // Who may delete the workspace need not be one who may report its runs.
  Principal deleter = Principal::System();
  deleter.token = who.token;
  deleter.name = who.name;
  for (base::RunId run : live) {
    TransitionRequest request;
    request.run = run;
    request.move.to = run::Status::kCanceled;
    request.comment = "workspace deleted";
    auto canceled = FailingAlone(w, [&] { return TransitionRun(w, deleter, std::move(request)); });
    if (!canceled && canceled.error().code != Code::kCorrupt) return std::move(canceled).error();
  }
  return {};
}

}  // namespace store
