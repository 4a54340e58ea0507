#include "runner/watcher.h"

#include <algorithm>

namespace runner {
namespace {

constexpr base::Micros kLongPoll{25'000'000};
constexpr base::Micros kPause{1'000'000};
constexpr int kMaxDoublings = 5;

}  // namespace

Watcher::Watcher(ApiClient& api, Reporter& reporter, Control& control, base::Clock& clock)
    : api_(api), reporter_(reporter), control_(control), clock_(clock), thread_([this] { Work(); }) {}

Watcher::~Watcher() {
  stop_.Raise();
  thread_.join();
}

void Watcher::Work() {
  const auto run = reporter_.AwaitRun();
  if (!run) return control_.Wake();
  for (;;) {  // a stopped client fails, and a failure leads to a pause, which ends this
    const auto pause = Follow(*run);
    if (pause.count() > 0 && stop_.WaitUntil(clock_, clock_.Mono() + pause)) return;
  }
}

base::Micros Watcher::Follow(const RunInfo& run) {
  const bool first = last_ == 0, all = whole_feed_;
  const auto started = clock_.Mono();
  std::string path = "changes?after=" + std::to_string(last_) + "&wait=" + (first ? "0" : "25");
  if (!all) path += "&filter%5Brun%5D=" + run.id;
  auto feed = api_.Poll(path, first ? base::Micros(0) : kLongPoll);
  // The feed moves on only when the run was looked at after it, so that nothing is missed.
  if (!feed || !Look(run)) return kPause * (1 << std::min(failures_++, kMaxDoublings));
  failures_ = 0;
  last_ = std::max<int64_t>({last_, 1, base::IntAt(*feed, {"meta", "last"}).value_or(0)});
  if (all) control_.FeedMoved();
  const auto* rows = base::At(*feed, {"data"});
  const bool news = rows && rows->is_array() && !rows->get_array().empty();
  // A server that is shutting down answers at once and with nothing.
  return first || news || clock_.Mono() - started >= kPause ? base::Micros(0) : kPause;
}

bool Watcher::Look(const RunInfo& run) {
  auto document = api_.Get("runs/" + run.id);
  if (!document) return false;
  Seen seen;
  seen.status = run::ParseStatus(base::StringAt(*document, {"data", "attributes", "status"}).value_or(""))
                    .value_or(run::Status::kPending);
  seen.reason = run::ParseReason(base::StringAt(*document, {"data", "attributes", "reason"}).value_or(""))
                    .value_or(run::Reason::kNone);
  seen.cancel_requested = base::BoolAt(*document, {"data", "attributes", "cancel-requested"}).value_or(false);
  if (seen.reason == run::Reason::kLost) {
    reporter_.Beat();
  } else {
    control_.Show(seen);
  }
  return true;
}

}  // namespace runner
