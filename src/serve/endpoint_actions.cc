#include "serve/endpoint_actions.h"

#include "base/time_text.h"

namespace serve {
namespace {

using base::Result;
using base::Status;
using store::Endpoint;
using store::EndpointState;

constexpr int64_t kDayInSeconds = 86'400;
constexpr int64_t kMaxOverlap = 30 * kDayInSeconds;

Result<net::Response> Change(Call& call, const std::function<Status(Endpoint&)>& change) {
  RB_ASSIGN(auto params, ParseParams(call.request.query, Accepts::kDocument));
  RB_TRY(CheckNames<Endpoint>(params));
  RB_ASSIGN(auto id, IdOf<Endpoint>(call));
  RB_ASSIGN(auto row, call.context.store.Update<Endpoint>(call.who(), id, change));
  View view{call.context, call.who(), params};
  return DocumentOf(200, row, params, view);
}

Result<net::Response> ChangeState(Call& call, const std::function<Status(Endpoint&)>& change) {
  RB_TRY(ParseActionInput(call.request.body, {}));
  return Change(call, change);
}

base::Error Disabled() { return {base::Code::kConflict, "the endpoint is disabled; the action for it is enable"}; }

}  // namespace

Result<net::Response> RotateSecret(Call& call) {
  Rule secret = Text(1024).OrNull();
  secret.min = 1;
  RB_ASSIGN(
      base::json::value given,
      ParseActionInput(call.request.body, {{"secret-key", secret}, {"overlap-seconds", Integer(0, kMaxOverlap)}}));
  base::Secret next(base::StringAt(given, {"secret-key"}).value_or(""));
  auto overlap = std::chrono::seconds(base::IntAt(given, {"overlap-seconds"}).value_or(kDayInSeconds));
  auto now = call.context.clock.Now();
  return Change(call, [&](Endpoint& row) -> Status {
    if (row.previous_secret && row.overlap_ends && *row.overlap_ends > now) {
      return base::Error(base::Code::kConflict,
                         "a rotation is under way until " + base::FormatIso(*row.overlap_ends) + "; end it first");
    }
    row.previous_secret.reset();
    row.overlap_ends.reset();
    if (overlap.count() > 0) {
      row.previous_secret = row.secret;
      row.overlap_ends = now + overlap;
    }
    row.secret = next;  // an empty one is made by the store
    return {};
  });
}

Result<net::Response> EndRotation(Call& call) {
  return ChangeState(call, [](Endpoint& row) -> Status {
    row.previous_secret.reset();
    row.overlap_ends.reset();
    return {};
  });
}

Result<net::Response> PauseEndpoint(Call& call) {
  return ChangeState(call, [](Endpoint& row) -> Status {
    if (row.state == EndpointState::kDisabled) return Disabled();
    row.state = EndpointState::kPaused;
    return {};
  });
}

Result<net::Response> ResumeEndpoint(Call& call) {
  return ChangeState(call, [](Endpoint& row) -> Status {
    if (row.state == EndpointState::kDisabled) return Disabled();
    row.state = EndpointState::kActive;
    row.held_until.reset();
    return {};
  });
}

Result<net::Response> EnableEndpoint(Call& call) {
  return ChangeState(call, [](Endpoint& row) -> Status {
    if (row.state == EndpointState::kDisabled) row.state = EndpointState::kActive;
    return {};
  });
}

Result<net::Response> DisableEndpoint(Call& call) {
  return ChangeState(call, [](Endpoint& row) -> Status {
    row.state = EndpointState::kDisabled;
    return {};
  });
}

}  // namespace serve
