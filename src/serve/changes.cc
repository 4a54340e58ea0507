#include "serve/changes.h"

#include <algorithm>
#include <charconv>

#include "base/time_text.h"
#include "serve/document.h"
#include "serve/query.h"

namespace serve {
namespace {

namespace json = base::json;
using base::Result;
using store::Change;
using store::ChangesQuery;

constexpr size_t kMaxParked = 4096;
constexpr size_t kSweepPage = 1000;

json::object ShowChange(const Change& change) {
  json::object resource = Identifier("changes", std::to_string(change.sequence));
  resource["attributes"] = json::object{{"sequence", change.sequence}, {"at", base::FormatIsoMillis(change.at)},
                                        {"action", change.action},     {"target", change.target},
                                        {"actor", change.actor_name},  {"detail", change.detail}};
  resource["relationships"] =
      json::object{{"run", ToOne("runs", change.run ? base::Format(change.run) : std::string())}};
  return resource;
}

// `last` is where the next request goes on.
net::Response ChangesResponse(const std::vector<Change>& changes, int64_t last) {
  json::array data;
  for (const auto& change : changes) data.push_back(ShowChange(change));
  if (!changes.empty()) last = changes.back().sequence;
  return DocumentResponse(200, {{"data", std::move(data)}, {"meta", json::object{{"last", last}}}});
}

bool Concerns(const Change& change, const Polls::Poll& poll) {
  if (change.sequence <= poll.checked) return false;
  if (poll.query.run && *poll.query.run != change.run) return false;
  return change.action.starts_with(poll.query.kind);
}

Result<int64_t> ParseNumber(std::string_view name, std::string_view text, int64_t max) {
  int64_t number = 0;
  auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (fault != std::errc() || end != text.data() + text.size() || number < 0 || number > max) {
    return InvalidParameter(name, "value must be an integer between 0 and " + std::to_string(max));
  }
  return number;
}

Result<Polls::Poll> ParsePoll(const CallPtr& call) {
  RB_ASSIGN(auto params, ParseParams(call->request.query, Accepts::kFeed));
  Polls::Poll poll;
  poll.call = call;
  poll.token_generation = call->context.store.token_generation();
  poll.query.limit = static_cast<size_t>(params.list.size);
  if (params.after == "last") {
    poll.query.after = call->context.store.last_change();
  } else if (!params.after.empty()) {
    RB_ASSIGN(poll.query.after, ParseNumber("after", params.after, INT64_MAX));
  }
  base::Micros wait(0);
  if (!params.wait.empty()) {
    RB_ASSIGN(int64_t seconds, ParseNumber("wait", params.wait, 3600));
    wait = std::min<base::Micros>(std::chrono::seconds(seconds), call->context.options.max_wait);
  }
  poll.deadline = call->context.clock.Mono() + wait;
  RB_ASSIGN(auto run, params.TakeFilter("run"));
  if (!run.empty()) {
    poll.query.run = base::Parse<base::RunId>(run);
    if (!poll.query.run) return InvalidParameter("filter[run]", "value must be the id of a run");
  }
  RB_ASSIGN(poll.query.kind, params.TakeFilter("kind"));
  if (params.list.filters.empty()) return poll;
  std::string unknown = params.list.filters.front().name;
  return InvalidParameter("filter[" + unknown + "]", "unknown filter '" + unknown + "'");
}

}  // namespace

void WaitForChanges(const CallPtr& call) {
  auto poll = ParsePoll(call);
  if (poll) {
    call->context.polls->Handle(std::move(*poll));
  } else {
    call->Fail(poll.error());
  }
}

Polls::Polls(store::Store& store, base::Clock& clock, Workers& workers)
    : store_(store), clock_(clock), workers_(workers) {}

Polls::~Polls() {
  EndAll([](Poll& poll) { poll.call->Fail({base::Code::kUnavailable, "the server is shutting down"}); });
}

void Polls::Handle(Poll poll) {
  // Read before the query: what is committed after it makes Park look again.
  int64_t seen = store_.last_change();
  auto changes = store_.Changes(poll.call->who(), poll.query);
  if (!changes) {
    poll.call->Fail(changes.error());
  } else if (!changes->empty() || clock_.Mono() >= poll.deadline || poll.call->context.shutting_down.load()) {
    poll.call->Finish(ChangesResponse(*changes, std::max(seen, poll.query.after)));
  } else {
    poll.checked = std::max(seen, poll.query.after);
    Park(std::move(poll));
  }
}

void Polls::Park(Poll poll) {
  auto call = poll.call;
  auto deadline = poll.deadline;
  int64_t checked = poll.checked;
  uint64_t id = 0;
  bool closed = false;
  bool behind = false;
  {
    auto state = state_.Lock();
    if (state->parked.size() >= kMaxParked)
      std::erase_if(state->parked, [](const auto& p) { return p.second.call->Gone(); });
    closed = state->closed;
    if (!closed && state->parked.size() < kMaxParked) {
      id = ++state->last_id;
      behind = state->noticed > checked;
      state->parked.emplace(id, std::move(poll));
    }
  }
  if (id == 0) {
    if (closed) {
      call->Finish(ChangesResponse({}, checked));
    } else {
      call->Fail({base::Code::kUnavailable, "too many requests are waiting for changes"});
    }
    return;
  }
  auto timer = clock_.CallAt(deadline, [this, id] { Expire(id); });
  bool left = false;
  {
    auto state = state_.Lock();
    auto found = state->parked.find(id);
    left = found == state->parked.end();
    if (!left) found->second.timer = timer;
  }
  if (left) clock_.Cancel(timer);
  if (behind) StartSweep();
}

void Polls::Notice(int64_t last_change) {
  bool waiting = false;
  {
    auto state = state_.Lock();
    state->noticed = std::max(state->noticed, last_change);
    waiting = !state->parked.empty();
  }
  if (waiting) StartSweep();
}

void Polls::StartSweep() {
  {
    auto state = state_.Lock();
    if (state->sweeping || state->closed) return;
    state->sweeping = true;
  }
  // A full queue is no loss: the next commit tries again, and the deadline answers in any case.
  if (!workers_.Post([this] { Sweep(); })) state_.Lock()->sweeping = false;
}

void Polls::Sweep() {
  int64_t from = INT64_MAX;
  int64_t up_to = 0;
  {
    auto state = state_.Lock();
    up_to = state->noticed;
    for (const auto& [id, poll] : state->parked) from = std::min(from, poll.checked);
  }
  // A feed that cannot be read leaves them to the next commit or their deadlines, where their own reading tells the
  // error.
  auto changes = ReadFeed(from, up_to);
  auto concerned = changes ? TakeConcerned(up_to, *changes) : std::vector<Poll>();
  for (auto& poll : concerned) {
    clock_.Cancel(poll.timer);
    if (poll.call->Gone()) continue;
    if (poll.token_generation != store_.token_generation()) {
      // The token may be void by now; the next request shows.
      poll.call->Finish(ChangesResponse({}, poll.query.after));
    } else {
      Handle(std::move(poll));
    }
  }
  bool again = false;
  {
    auto state = state_.Lock();
    state->sweeping = false;
    again = changes && state->noticed > up_to && !state->parked.empty();
  }
  if (again) StartSweep();
}

Result<std::vector<Change>> Polls::ReadFeed(int64_t after, int64_t up_to) {
  std::vector<Change> all;
  ChangesQuery query;
  query.after = after;
  query.limit = kSweepPage;
  while (query.after < up_to) {
    RB_ASSIGN(auto page, store_.Changes(base::Principal::System(), query));
    if (page.empty()) break;
    query.after = page.back().sequence;
    all.insert(all.end(), std::make_move_iterator(page.begin()), std::make_move_iterator(page.end()));
  }
  return all;
}

std::vector<Polls::Poll> Polls::TakeConcerned(int64_t up_to, const std::vector<Change>& changes) {
  std::vector<Poll> taken;
  auto state = state_.Lock();
  for (auto at = state->parked.begin(); at != state->parked.end();) {
    Poll& poll = at->second;
    bool concerned = poll.call->Gone() || std::any_of(changes.begin(), changes.end(),
                                                      [&](const Change& change) { return Concerns(change, poll); });
    if (concerned) {
      taken.push_back(std::move(poll));
      at = state->parked.erase(at);
    } else {
      poll.checked = std::max(poll.checked, up_to);
      ++at;
    }
  }
  return taken;
}

void Polls::Expire(uint64_t id) {
  Poll poll;
  {
    auto state = state_.Lock();
    auto found = state->parked.find(id);
    if (found == state->parked.end()) return;
    poll = std::move(found->second);
    state->parked.erase(found);
  }
  poll.call->Finish(ChangesResponse({}, poll.checked));
}

void Polls::Release() {
  EndAll([](Poll& poll) { poll.call->Finish(ChangesResponse({}, poll.checked)); });
}

size_t Polls::waiting() { return state_.Lock()->parked.size(); }

void Polls::EndAll(const std::function<void(Poll&)>& end) {
  std::map<uint64_t, Poll> parked;
  {
    auto state = state_.Lock();
    state->closed = true;
    parked.swap(state->parked);
  }
  for (auto& [id, poll] : parked) {
    clock_.Cancel(poll.timer);
    end(poll);
  }
}

}  // namespace serve
