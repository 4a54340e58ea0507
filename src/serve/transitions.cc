#include "serve/transitions.h"

#include "base/utf8.h"

namespace serve {
namespace {

namespace json = base::json;
using base::Error;
using base::Result;
using base::Status;
using store::Transitioned;
using store::TransitionRequest;

constexpr std::string_view kType = "status-transitions";
constexpr int64_t kMaxCount = 1'000'000'000;

Status TakeStatus(TransitionRequest& request, const json::value& value) {
  auto status = value.is_string() ? run::ParseStatus(std::string_view(value.get_string())) : std::nullopt;
  if (!status) return InvalidAttribute("status", "value must be a status of a run");
  request.move.to = *status;
  return {};
}

Status TakeReason(TransitionRequest& request, const json::value& value) {
  if (value.is_null()) return {};
  auto reason = value.is_string() ? run::ParseReason(std::string_view(value.get_string())) : std::nullopt;
  if (!reason) return InvalidAttribute("reason", "value must be a reason of a run's state");
  request.move.reason = *reason;
  return {};
}

Status TakeKey(TransitionRequest& request, const json::value& value) {
  if (value.is_null()) return {};
  RB_TRY(Check(Text(store::kMaxKeyChars), "key", value));
  request.key = std::string(value.get_string());
  return {};
}

Status TakeHasChanges(TransitionRequest& request, const json::value& value) {
  if (value.is_null()) return {};
  if (!value.is_bool()) return InvalidAttribute("has-changes", "value must be true or false");
  request.move.has_changes = value.get_bool();
  return {};
}

Status TakePlan(TransitionRequest& request, const json::value& value) {
  if (value.is_null()) return {};
  if (!value.is_object()) return InvalidAttribute("plan", "value must be an object of counts");
  run::Counts counts;
  for (const auto& [key, count] : value.get_object()) {
    std::string_view name = key;
    int* target = name == "add"       ? &counts.add
                  : name == "change"  ? &counts.change
                  : name == "destroy" ? &counts.destroy
                  : name == "import"  ? &counts.import
                                      : nullptr;
    std::string where = "plan/" + std::string(name);
    if (target == nullptr) return InvalidAttribute(where, "unknown count");
    RB_TRY(Check(Integer(0, kMaxCount), where, count));
    *target = static_cast<int>(count.get_int64());
  }
  request.plan = counts;
  return {};
}

Result<run::ChangedResource> ParseChange(const json::value& given) {
  auto address = base::StringAt(given, {"address"});
  auto action = base::StringAt(given, {"action"});
  bool fits = address && action && given.get_object().size() == 2 && address->size() <= 2048 && action->size() <= 32;
  if (!fits) return base::Invalid("value must be an object with address and action");
  return run::ChangedResource{base::Harmless(*address), base::Harmless(*action)};
}

Status TakeChanges(TransitionRequest& request, const json::value& value) {
  if (value.is_null()) return {};
  if (!value.is_array()) return InvalidAttribute("changed-addresses", "value must be a list");
  std::vector<run::ChangedResource> changes;
  changes.reserve(value.get_array().size());
  for (const auto& given : value.get_array()) {
    auto change = ParseChange(given);
    if (!change) return InvalidAttribute("changed-addresses/" + std::to_string(changes.size()), change.error().message);
    changes.push_back(std::move(*change));
  }
  request.changes = std::move(changes);
  return {};
}

Status TakeErrorSummary(TransitionRequest& request, const json::value& value) {
  if (value.is_null()) return {};
  RB_TRY(Check(Text(run::kErrorSummaryChars), "error-summary", value));
  request.error_summary = std::string(value.get_string());
  return {};
}

struct Taker {
  std::string_view name;
  Status (*take)(TransitionRequest& request, const json::value& value);
};
constexpr Taker kTakers[] = {
    {"status", TakeStatus},
    {"reason", TakeReason},
    {"key", TakeKey},
    {"plan", TakePlan},
    {"has-changes", TakeHasChanges},
    {"changed-addresses", TakeChanges},
    {"error-summary", TakeErrorSummary},
};

Status TakeAttribute(TransitionRequest& request, std::string_view name, const json::value& value) {
  for (const auto& taker : kTakers) {
    if (taker.name == name) return taker.take(request, value);
  }
  return InvalidAttribute(name, "unknown attribute '" + std::string(name) + "'");
}

Result<base::RunId> RunOf(const Call& call) {
  auto id = base::Parse<base::RunId>(call.ids.front());
  if (!id) return Error(base::Code::kNotFound, "not an id");
  return *id;
}

Result<TransitionRequest> ParseReport(const Call& call) {
  TransitionRequest request;
  RB_ASSIGN(request.run, RunOf(call));
  if (!call.request.query.empty()) RB_TRY(ParseParams(call.request.query, Accepts::kNothing));
  RB_ASSIGN(auto input, ParseInput(call.request.body, kType, ""));
  if (!input.Has("status")) return InvalidAttribute("status", "status is required");
  if (!input.relationships.empty()) {
    return InvalidRelationship(std::string_view(input.relationships.begin()->key()), "unknown relationship");
  }
  for (const auto& [name, value] : input.attributes) RB_TRY(TakeAttribute(request, name, value));
  return request;
}

json::value NameOrNull(std::string_view name) { return name.empty() ? json::value(nullptr) : json::value(name); }

// Runs on the writer's thread, once for each report: the document is built in one piece of memory and dropped with it.
void FinishReport(Call& call, const Transitioned& done) {
  const auto& facts = done.run.facts;
  std::string_view run_id = call.ids.front();
  json::value event(nullptr);
  if (done.event) event = Identifier("run-events", base::Format(*done.event));
  unsigned char room[4096];
  json::monotonic_resource arena(room, sizeof room);
  json::object document(
      {{"data",
        {{"type", kType},
         {"id", std::string(run_id) + ":" + std::string(run::Name(facts.status))},
         {"attributes",
          {{"status", run::Name(facts.status)},
           {"reason", NameOrNull(run::Name(facts.reason))},
           {"changed", done.changed},
           {"repeated", done.repeated},
           {"needs-decision", run::NeedsDecision(facts)},
           {"cancel-requested", done.run.cancel_requested},
           {"deliveries", done.deliveries}}},
         {"relationships", {{"run", {{"data", {{"type", "runs"}, {"id", run_id}}}}}, {"event", {{"data", event}}}}}}}},
      &arena);
  call.Finish(DocumentResponse(done.changed && !done.repeated ? 201 : 200, document));
}

void FinishAction(Call& call, const Transitioned& done, run::Action action) {
  if (action == run::Action::kCancel && !done.changed && done.run.facts.status == run::Status::kCanceled) {
    call.Finish({204, "", "", ""});
    return;
  }
  View view{call.context, call.who(), {}};
  call.Finish(DocumentResponse(202, {{"data", Serialize(done.run, view)}}));
}

Result<TransitionRequest> ParseAction(const Call& call, run::Action action) {
  TransitionRequest request;
  RB_ASSIGN(request.run, RunOf(call));
  request.move.action = action;
  RB_TRY(ParseParams(call.request.query, Accepts::kNothing));
  RB_ASSIGN(base::json::value given,
            ParseActionInput(call.request.body,
                             {{"comment", Text(store::kMaxCommentChars).OrNull()}, {"apply-at", Time().OrNull()}}));
  if (base::StringAt(given, {"apply-at"})) return InvalidAttribute("apply-at", "this server cannot apply later");
  request.comment = base::StringAt(given, {"comment"}).value_or("");
  return request;
}

void Act(const CallPtr& call, run::Action action) {
  auto request = ParseAction(*call, action);
  if (!request) {
    call->Fail(request.error());
    return;
  }
  call->context.store.Transition(call->who(), std::move(*request), [call, action](Result<Transitioned> done) {
    if (done) {
      FinishAction(*call, *done, action);
    } else {
      call->Fail(done.error());
    }
  });
}

}  // namespace

void ReportStatus(const CallPtr& call) {
  auto request = ParseReport(*call);
  if (!request) {
    call->Fail(request.error());
    return;
  }
  call->context.store.Transition(call->who(), std::move(*request), [call](Result<Transitioned> done) {
    if (done) {
      FinishReport(*call, *done);
    } else {
      call->Fail(done.error());
    }
  });
}

void ApplyRun(const CallPtr& call) { Act(call, run::Action::kApply); }
void DiscardRun(const CallPtr& call) { Act(call, run::Action::kDiscard); }
void CancelRun(const CallPtr& call) { Act(call, run::Action::kCancel); }
void OverridePolicy(const CallPtr& call) { Act(call, run::Action::kOverride); }

}  // namespace serve
