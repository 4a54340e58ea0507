#include "runner/fake_api.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "base/json.h"
#include "base/log.h"

namespace runner {

using base::json::array;
using base::json::object;
using base::json::value;
using net::Request;
using net::Responder;
using net::Response;

namespace {

constexpr std::string_view kRoot = "/api/iacp/v3/";
constexpr std::string_view kRunId = "run-v0aaaaaaaaaaaaa";
constexpr std::string_view kEnvironmentId = "env-v0aaaaaaaaaaaaa";
constexpr std::string_view kWorkspaceId = "ws-v0aaaaaaaaaaaaa";

Response Json(int status, const value& document) {
  return {.status = status,
          .content_type = "application/vnd.api+json",
          .header_lines = {},
          .body = base::FormatJson(document)};
}
Response Problem(int status, std::string_view title, std::string_view detail = {}) {
  return Json(
      status,
      object{{"errors", array{object{{"status", std::to_string(status)}, {"title", title}, {"detail", detail}}}}});
}
Response NotFound() { return Problem(404, "Run with ID 'x' not found or user unauthorized."); }

value Named(std::string_view type, std::string_view id, std::string_view name) {
  return object{{"type", type}, {"id", id}, {"attributes", object{{"name", name}}}};
}

}  // namespace

struct FakeApi::Impl {
  struct Held {
    int64_t after = 0;
    Responder responder;
  };
  struct State {
    bool down = false, busy = false, auto_apply = false, may_approve = true;
    std::string down_after, token;
    std::string lose_path;
    int lose_answers = 0;
    std::string environment, workspace;  // names; empty: there is none
    bool exists = false;
    run::Facts facts;
    bool cancel_requested = false;
    std::string run_key;
    int runs_made = 0;
    std::set<std::string> keys;
    int64_t sequence = 0;
    std::vector<Held> held;
    std::map<run::Status, std::function<void()>> when;
    std::vector<std::string> reports, created_places, requests;
    std::vector<object> report_attributes;
    object created;
    int heartbeats = 0;
    std::string received;
  };

  explicit Impl(base::Clock& clock) : io("fake-api", clock) {
    auto listening = net::Server::Listen(io, clock, {}, [this](Request request, Responder responder) {
      Take(std::move(request), std::move(responder));
    });
    RB_CHECK(listening.has_value());
    server = std::move(*listening);
  }
  ~Impl() {
    for (auto& held : TakeHeld()) held.responder.Send(Problem(503, "shutting down"));
    server.reset();
    TakeHeld();  // what came meanwhile must not outlive the I/O thread
  }

  void Take(Request request, Responder responder);
  Response Answer(State& state, const Request& request);
  Response List(State& state, const Request& request, std::string_view type);
  Response Create(State& state, std::string_view type, const value& document);
  Response ShowRun(const State& state, int status) const;
  Response Transition(State& state, const value& document);
  Response Decide(State& state, std::string_view action);
  static base::Status Move(State& state, const run::Move& move);
  std::vector<Held> TakeHeld();
  void Bump(std::function<void(State&)> change);
  void Answer(std::vector<Held> held);

  mutable base::Guarded<State> state;
  net::IoThread io;
  std::unique_ptr<net::Server> server;
};

void FakeApi::Impl::Take(Request request, Responder responder) {
  std::function<void()> then;
  std::vector<Held> held;
  {
    auto s = state.Lock();
    s->requests.push_back(request.method + " " + request.target);
    s->received += request.target + "\n" + request.header_lines + request.body + "\n";
    if (!s->down_after.empty() && request.target.find(s->down_after) != std::string::npos) s->down = true;
    const bool known = s->token.empty() || request.Header("Authorization") == "Bearer " + s->token;
    const size_t after = request.query.find("after=");
    const bool waits = request.query.find("wait=0") == std::string::npos;
    const int64_t from = after == std::string::npos ? 0 : std::atoll(request.query.c_str() + after + 6);
    const bool feed = request.path == std::string(kRoot) + "changes";
    if (s->down) {
      responder.Send(Problem(503, "Service Unavailable"));
    } else if (!known) {
      responder.Send(Problem(401, "Unauthorized"));
    } else if (feed && waits && from >= s->sequence) {
      s->held.push_back({from, responder});
    } else if (feed) {
      held.push_back({from, responder});
    } else {
      const auto before = s->sequence;
      Response answer = Answer(*s, request);
      const bool lose = s->lose_answers > 0 && request.method == "POST" && request.path.ends_with(s->lose_path);
      if (lose) --s->lose_answers;
      responder.Send(lose ? Problem(503, "Service Unavailable") : std::move(answer));
      if (s->sequence != before) held = std::exchange(s->held, {});
      if (auto found = s->when.extract(s->facts.status); s->exists && !found.empty()) then = found.mapped();
    }
  }
  state.NotifyAll();
  Answer(std::move(held));
  if (then) then();
}

Response FakeApi::Impl::Answer(State& s, const Request& request) {
  const std::string path = request.path.substr(std::min(kRoot.size(), request.path.size()));
  const value document = base::ParseJson(request.body).has_value() ? *base::ParseJson(request.body) : value();
  const std::string run = "runs/" + std::string(kRunId);
  if (request.method == "GET" && (path == "environments" || path == "workspaces")) return List(s, request, path);
  if (request.method == "POST" && (path == "environments" || path == "workspaces" || path == "runs")) {
    return Create(s, path, document);
  }
  if (!s.exists || !path.starts_with(run)) return NotFound();
  if (path == run) return ShowRun(s, 200);
  if (path == run + "/status-transitions") return Transition(s, document);
  if (path == run + "/actions/apply") return Decide(s, "apply");
  if (path == run + "/actions/discard") return Decide(s, "discard");
  return NotFound();
}

Response FakeApi::Impl::List(State& s, const Request& request, std::string_view type) {
  const bool environments = type == "environments";
  const std::string& name = environments ? s.environment : s.workspace;
  array rows;
  if (!name.empty() && request.query.find("filter%5Bname%5D=" + net::EncodePercent(name)) != std::string::npos) {
    rows.push_back(Named("x", "wrong-one", name + "-longer"));
    rows.push_back(Named(type, environments ? kEnvironmentId : kWorkspaceId, name));
  }
  return Json(200, object{{"data", rows}});
}

Response FakeApi::Impl::Create(State& s, std::string_view type, const value& document) {
  const auto* attributes = base::At(document, {"data", "attributes"});
  if (type == "runs") {
    if (base::StringAt(document, {"data", "relationships", "workspace", "data", "id"}) != kWorkspaceId) {
      return Problem(422, "Invalid Relationship", "no such workspace");
    }
    const std::string key = base::StringAt(*attributes, {"key"}).value_or("");
    if (key.size() < 16 || key.size() > 255) return Problem(422, "Invalid Attribute", "no key");
    if (s.run_key == key) return ShowRun(s, 200);
    s.run_key = key;
    ++s.runs_made;
    s.created = attributes->as_object();
    s.exists = true;
    s.facts = {};
    s.facts.auto_apply = base::BoolAt(*attributes, {"auto-apply"}).value_or(s.auto_apply);
    s.facts.is_dry = base::BoolAt(*attributes, {"is-dry"}).value_or(false);
    s.facts.is_destroy = base::BoolAt(*attributes, {"is-destroy"}).value_or(false);
    ++s.sequence;
    return ShowRun(s, 201);
  }
  const bool environments = type == "environments";
  const std::string name = base::StringAt(*attributes, {"name"}).value_or("");
  (environments ? s.environment : s.workspace) = name;
  s.created_places.push_back(std::string(type) + "/" + name);
  return Json(201, object{{"data", Named(type, environments ? kEnvironmentId : kWorkspaceId, name)}});
}

Response FakeApi::Impl::ShowRun(const State& s, int status) const {
  object attributes{{"status", run::Name(s.facts.status)},
                    {"reason", run::Name(s.facts.reason)},
                    {"auto-apply", s.facts.auto_apply},
                    {"cancel-requested", s.cancel_requested},
                    {"url", "/runs/" + std::string(kRunId)}};
  return Json(status, object{{"data", object{{"type", "runs"}, {"id", kRunId}, {"attributes", attributes}}}});
}

base::Status FakeApi::Impl::Move(State& s, const run::Move& move) {
  RB_ASSIGN(auto step, run::Decide(s.facts, move));
  if (step.changed || step.cancel_requested) ++s.sequence;
  s.facts.status = step.status;
  s.facts.reason = step.reason;
  s.facts.lost_from = step.lost_from;
  s.facts.has_changes = step.has_changes;
  s.cancel_requested = s.cancel_requested || step.cancel_requested;
  return {};
}

Response FakeApi::Impl::Transition(State& s, const value& document) {
  const value& attributes = *base::At(document, {"data", "attributes"});
  const std::string key = base::StringAt(attributes, {"key"}).value_or("");
  const std::string status = base::StringAt(attributes, {"status"}).value_or("");
  if (key.size() < 16) return Problem(422, "Invalid Attribute", "no key");
  if (s.keys.count(key) != 0) return ShowRun(s, 200);
  run::Move move;
  move.to = run::ParseStatus(status).value_or(run::Status::kPending);
  move.has_changes = base::BoolAt(attributes, {"has-changes"});
  if (auto reason = base::StringAt(attributes, {"reason"})) move.reason = *run::ParseReason(*reason);
  if (s.busy && s.facts.status == run::Status::kPending && move.to == run::Status::kPlanning) {
    return Problem(409, "Conflict", "another run of this workspace is active");
  }
  const auto before = s.sequence;
  const auto moved = Move(s, move);
  if (!moved)
    return Problem(moved.error().code == base::Code::kConflict ? 409 : 422, "Conflict", moved.error().message);
  s.keys.insert(key);
  if (s.sequence == before) {
    ++s.heartbeats;
  } else {
    std::string_view reason = run::Name(move.reason);
    s.reports.push_back(status + (reason.empty() ? "" : "/" + std::string(reason)));
    s.report_attributes.push_back(attributes.as_object());
  }
  return ShowRun(s, 200);
}

Response FakeApi::Impl::Decide(State& s, std::string_view action) {
  if (!s.may_approve) return NotFound();
  run::Move move;
  move.action = action == "apply" ? run::Action::kApply : run::Action::kDiscard;
  if (auto moved = Move(s, move); !moved) return Problem(409, "Conflict", moved.error().message);
  return {.status = 202, .content_type = {}, .header_lines = {}, .body = {}};
}

std::vector<FakeApi::Impl::Held> FakeApi::Impl::TakeHeld() { return std::exchange(state.Lock()->held, {}); }

void FakeApi::Impl::Answer(std::vector<Held> held) {
  const int64_t last = state.Lock()->sequence;
  for (auto& poll : held) {
    array rows;
    if (last > poll.after) {
      rows.push_back(
          object{{"type", "changes"}, {"id", std::to_string(last)}, {"attributes", object{{"kind", "run"}}}});
    }
    poll.responder.Send(Json(200, object{{"data", rows}, {"meta", object{{"last", last}}}}));
  }
}

void FakeApi::Impl::Bump(std::function<void(State&)> change) {
  std::vector<Held> held;
  {
    auto s = state.Lock();
    change(*s);
    ++s->sequence;
    held = std::exchange(s->held, {});
  }
  state.NotifyAll();
  Answer(std::move(held));
}

FakeApi::FakeApi(base::Clock& clock) : impl_(std::make_unique<Impl>(clock)) {}
FakeApi::~FakeApi() = default;

std::string FakeApi::url() const { return "http://127.0.0.1:" + std::to_string(impl_->server->port()); }

void FakeApi::SetDown(bool down) {
  auto s = impl_->state.Lock();
  s->down = down;
  s->down_after.clear();
}
void FakeApi::SetDownAfter(std::string path) { impl_->state.Lock()->down_after = std::move(path); }
void FakeApi::LoseAnswers(std::string path_end, int count) {
  auto s = impl_->state.Lock();
  s->lose_path = std::move(path_end);
  s->lose_answers = count;
}
void FakeApi::SetBusy(bool busy) {
  impl_->Bump([busy](Impl::State& s) { s.busy = busy; });
}
void FakeApi::SetAutoApply(bool on) { impl_->state.Lock()->auto_apply = on; }
void FakeApi::SetMayApprove(bool may) { impl_->state.Lock()->may_approve = may; }
void FakeApi::SetToken(std::string token) { impl_->state.Lock()->token = std::move(token); }
void FakeApi::AddPlaces() {
  auto s = impl_->state.Lock();
  s->environment = "prod";
  s->workspace = "net";
}

void FakeApi::Act(run::Action action) {
  impl_->Bump([action](Impl::State& s) {
    run::Move move;
    move.action = action;
    auto moved = Impl::Move(s, move);
    EXPECT_TRUE(moved) << run::Name(action) << ": " << moved.error().message;
  });
}

void FakeApi::When(run::Status status, std::function<void()> then) {
  impl_->state.Lock()->when[status] = std::move(then);
}

std::vector<std::string> FakeApi::reports() const { return impl_->state.Lock()->reports; }
int FakeApi::heartbeats() const { return impl_->state.Lock()->heartbeats; }
run::Facts FakeApi::facts() const { return impl_->state.Lock()->facts; }
object FakeApi::created() const { return impl_->state.Lock()->created; }
int FakeApi::runs_made() const { return impl_->state.Lock()->runs_made; }
std::vector<std::string> FakeApi::created_places() const { return impl_->state.Lock()->created_places; }
std::vector<std::string> FakeApi::requests() const { return impl_->state.Lock()->requests; }
std::string FakeApi::everything_received() const { return impl_->state.Lock()->received; }

object FakeApi::Attributes(std::string_view status) const {
  for (const auto& attributes : impl_->state.Lock()->report_attributes) {
    if (base::StringAt(attributes, {"status"}) == status) return attributes;
  }
  return {};
}

void FakeApi::WaitForReports(size_t count) {
  auto s = impl_->state.Lock();
  s.Wait([&] { return s->reports.size() >= count; });
}
void FakeApi::WaitForHeartbeats(int count) {
  auto s = impl_->state.Lock();
  s.Wait([&] { return s->heartbeats >= count; });
}
void FakeApi::WaitForRequest(const std::string& part) {
  auto s = impl_->state.Lock();
  s.Wait([&] {
    return std::any_of(s->requests.begin(), s->requests.end(),
                       [&](const auto& request) { return request.find(part) != std::string::npos; });
  });
}

}  // namespace runner
