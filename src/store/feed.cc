#include "store/feed.h"

#include <algorithm>

#include "store/visible.h"

namespace store {

using base::Result;

namespace {

struct Named {
  Action action;
  std::string_view name, prefix;  // the prefix of the target's id
};
constexpr std::array kNamed = {
    Named{Action::kRunCreated, "run.created", "run-"},
    Named{Action::kRunUpdated, "run.updated", "run-"},
    Named{Action::kRunCancelRequested, "run.cancel_requested", "run-"},
    Named{Action::kDelivered, "delivery.delivered", "wd-"},
    Named{Action::kDeliveryRetry, "delivery.retry", "wd-"},
    Named{Action::kDeliveryFailed, "delivery.failed", "wd-"},
    Named{Action::kDeliveryResent, "delivery.resent", "wd-"},
    Named{Action::kEnvironmentCreated, "environment.created", "env-"},
    Named{Action::kEnvironmentUpdated, "environment.updated", "env-"},
    Named{Action::kEnvironmentDeleted, "environment.deleted", "env-"},
    Named{Action::kWorkspaceCreated, "workspace.created", "ws-"},
    Named{Action::kWorkspaceUpdated, "workspace.updated", "ws-"},
    Named{Action::kWorkspaceDeleted, "workspace.deleted", "ws-"},
    Named{Action::kEndpointCreated, "endpoint.created", "ep-"},
    Named{Action::kEndpointUpdated, "endpoint.updated", "ep-"},
    Named{Action::kEndpointDeleted, "endpoint.deleted", "ep-"},
    Named{Action::kEndpointPaused, "endpoint.paused", "ep-"},
    Named{Action::kEndpointResumed, "endpoint.resumed", "ep-"},
    Named{Action::kEndpointDisabled, "endpoint.disabled", "ep-"},
    Named{Action::kEndpointEnabled, "endpoint.enabled", "ep-"},
    Named{Action::kEndpointHeld, "endpoint.held", "ep-"},
    Named{Action::kSecretRotated, "endpoint.secret_rotated", "ep-"},
    Named{Action::kRotationEnded, "endpoint.rotation_ended", "ep-"},
    Named{Action::kWebhookCreated, "webhook.created", "wh-"},
    Named{Action::kWebhookUpdated, "webhook.updated", "wh-"},
    Named{Action::kWebhookDeleted, "webhook.deleted", "wh-"},
    Named{Action::kTokenCreated, "token.created", "at-"},
    Named{Action::kTokenUpdated, "token.updated", "at-"},
    Named{Action::kTokenDeleted, "token.deleted", "at-"},
};

bool IsRunState(Action action) { return action >= Action::kRunStates; }

std::string_view PrefixOf(Action action) {
  auto found = std::find_if(kNamed.begin(), kNamed.end(), [&](const Named& row) { return row.action == action; });
  return found == kNamed.end() ? "run-" : found->prefix;
}

// The stored numbers of the actions whose names begin with `kind`, as a list for SQL.
std::string ActionsBeginningWith(std::string_view kind) {
  std::string list;
  auto add = [&](Action action) {
    if (ActionName(action).starts_with(kind))
      list += (list.empty() ? "" : ",") + std::to_string(static_cast<int>(action));
  };
  for (const Named& row : kNamed) add(row.action);
  for (int s = 0; s < run::kStatusCount; ++s) add(RunReached(static_cast<run::Status>(s)));
  return list;
}

Change ReadChange(Rows& rows) {
  Change change;
  Action action{};
  int64_t target = 0;
  std::optional<std::string> actor_name;
  rows.Read(change.sequence, change.at, action, target, change.run, change.actor, actor_name, change.detail);
  change.action = ActionName(action);
  change.target = IsRunState(action) || target == 0 ? Format(change.run) : base::FormatId(PrefixOf(action), target);
  change.actor_name = actor_name.value_or("runbell");
  return change;
}

}  // namespace

Action RunReached(run::Status status) {
  return static_cast<Action>(static_cast<int>(Action::kRunStates) + static_cast<int>(status));
}

std::string ActionName(Action action) {
  if (IsRunState(action)) {
    const int status = static_cast<int>(action) - static_cast<int>(Action::kRunStates);
    if (status < run::kStatusCount) return "run." + std::string(Name(static_cast<run::Status>(status)));
  }
  auto found = std::find_if(kNamed.begin(), kNamed.end(), [&](const Named& row) { return row.action == action; });
  return found == kNamed.end() ? "unknown" : std::string(found->name);
}

Result<std::vector<Change>> ReadChanges(Db& db, const base::Principal& who, const ChangesQuery& query) {
  std::string sql =
      "SELECT c.sequence, c.at, c.action, c.target, c.run, c.actor, t.name, c.detail FROM changes c"
      " LEFT JOIN tokens t ON t.id = c.actor";
  const Visible visible(who);
  if (!visible.all()) {
    sql += " LEFT JOIN runs r ON r.id = c.run LEFT JOIN workspaces w ON w.id = r.workspace";
  }
  sql += " WHERE c.sequence > ?";
  std::vector<Value> args{query.after};
  if (query.run) {
    sql += " AND c.run = ? AND c.sequence >= (SELECT first_change FROM runs WHERE id = ?)";
    args.insert(args.end(), {query.run->value, query.run->value});
  }
  if (!query.kind.empty()) sql += " AND c.action IN (" + ActionsBeginningWith(query.kind) + ")";
  if (!visible.all()) {
    sql += " AND " + visible.Either("coalesce(c.environment, w.environment)", "coalesce(c.workspace, r.workspace)");
  }
  sql += " ORDER BY c.sequence LIMIT ?";
  args.emplace_back(static_cast<int64_t>(query.limit));
  std::vector<Change> changes;
  Rows rows = db.QueryText(sql, args);
  while (rows.Next()) changes.push_back(ReadChange(rows));
  return changes;
}

}  // namespace store
