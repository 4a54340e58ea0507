// The rows of the store in the domain's words; part of store/store.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/principal.h"
#include "base/result.h"
#include "base/secret.h"
#include "hook/hook.h"
#include "run/run.h"

namespace store {

struct Account {
  std::string id, name;
};

inline constexpr int kMaxAttempts = 1000;
inline constexpr int kDefaultTimeoutSeconds = 15;
inline constexpr int kMaxTimeoutSeconds = 365 * 24 * 3600;

// `extra` holds documented attributes that are kept and given back but decide nothing here.
struct Environment {
  using Id = base::EnvironmentId;
  Id id;
  std::string name;
  base::json::object extra;
  base::TokenId created_by;
  base::WallTime created_at, updated_at;
};

struct Workspace {
  using Id = base::WorkspaceId;
  Id id;
  base::EnvironmentId environment;
  std::string name;
  bool auto_apply = false;
  base::json::object extra;
  std::optional<base::RunId> current_run, latest_run;  // read only
  base::TokenId created_by;
  base::WallTime created_at, updated_at;
};

enum class EndpointState : uint8_t { kActive, kPaused, kDisabled };
std::string_view Name(EndpointState state);

struct Endpoint {
  using Id = base::EndpointId;
  Id id;
  base::Place place;  // the account, an environment or a workspace
  std::string name, url;
  base::Secret secret;  // empty on Create: generated
  std::optional<base::Secret> previous_secret;
  std::optional<base::WallTime> overlap_ends;  // then the previous secret is forgotten
  int max_attempts = 3;
  int timeout_s = kDefaultTimeoutSeconds;   // 0: that too
  std::vector<hook::CustomHeader> headers;  // at most 32, no name twice
  hook::PayloadForm form = hook::PayloadForm::kUnderscore;
  EndpointState state = EndpointState::kActive;
  std::string state_reason;                  // "gone" after a 410, "by hand"
  std::optional<base::WallTime> held_until;  // by a Retry-After
  int failures_in_a_row = 0;
  base::WallTime created_at, updated_at;
};

enum class Reach : uint8_t { kWorkspace, kEnvironments, kShared };

struct Webhook {
  using Id = base::WebhookId;
  Id id;
  std::string name;
  bool enabled = true;
  base::EndpointId endpoint;
  std::vector<run::EventKind> events;
  Reach reach = Reach::kEnvironments;
  base::WorkspaceId workspace;                      // kWorkspace
  std::vector<base::EnvironmentId> environments;    // kEnvironments; for kWorkspace the parent, read only
  std::optional<base::WallTime> last_triggered_at;  // read only
  base::WallTime created_at, updated_at;
};

struct Token {
  using Id = base::TokenId;
  Id id;
  std::string name, description;
  std::vector<base::Grant> grants;
  base::Secret text;  // only in the answer of Create
  std::optional<base::WallTime> expires_at, last_used_at;
  base::TokenId created_by;
  base::WallTime created_at;
};

struct Run {
  using Id = base::RunId;
  Id id;
  base::WorkspaceId workspace;
  base::EnvironmentId environment;
  std::string message, source = "api";
  run::Facts facts;
  bool cancel_requested = false;
  std::optional<run::Counts> plan;
  std::vector<run::ChangedResource> changes;  // at most 200 are kept
  int changes_left_out = 0;
  std::string error_summary;
  base::json::array variables;  // {category,key,value,hcl,sensitive}; sensitive values are null
  base::json::object extra;
  base::TokenId created_by;
  std::string created_by_name;
  std::optional<int> position_in_queue;                         // read only; while pending
  std::vector<std::pair<run::Status, base::WallTime>> reached;  // first time of each status, in order
  base::WallTime created_at, updated_at;
  std::string key;        // of Create, chosen by the maker, at most kMaxKeyChars; empty: none
  bool repeated = false;  // only in the answer of Create: an earlier one with the same key made it
};

// What clients choose so that a request sent twice is done once.
inline constexpr int kMaxKeyChars = 255;
inline constexpr int kMaxCommentChars = 512;

struct TransitionRequest {
  base::RunId run;
  run::Move move;
  std::string key;  // empty: none
  std::optional<run::Counts> plan;
  std::optional<std::vector<run::ChangedResource>> changes;
  std::optional<std::string> error_summary;
  std::string comment;
};

struct Transitioned {
  Run run;
  std::optional<base::EventId> event;
  int deliveries = 0;
  bool repeated = false;  // the key had been seen
  bool changed = false;
};

struct Swept {
  int moved = 0;
  std::vector<base::Error> skipped;  // runs whose rows are damaged
};

// Why a webhook that was considered did not fire.
enum class NotFired : uint8_t { kNone, kWebhookDisabled, kEventNotSelected, kEndpointDisabled };
std::string_view Name(NotFired reason);

struct Considered {
  base::WebhookId webhook;
  std::string webhook_name;
  base::DeliveryId delivery;  // 0: did not fire
  NotFired not_fired = NotFired::kNone;
};

struct Event {
  using Id = base::EventId;
  Id id;
  base::RunId run;
  base::WorkspaceId workspace;
  base::EnvironmentId environment;
  int64_t sequence = 0;  // gapless in the workspace
  run::EventKind kind = run::EventKind::kCompleted;
  run::Reason reason = run::Reason::kNone;
  base::WallTime accepted_at;
  std::vector<Considered> considered;
};

struct EffectiveWebhook {
  Webhook webhook;
  bool inherited = false;
};

enum class DeliveryStatus : uint8_t { kPending, kCompleted, kFailed };
std::string_view Name(DeliveryStatus status);

struct Delivery {
  using Id = base::DeliveryId;
  Id id;
  base::EventId event;
  run::EventKind kind = run::EventKind::kCompleted;
  run::Reason reason = run::Reason::kNone;
  base::WebhookId webhook;
  std::string webhook_name;
  base::EndpointId endpoint;
  base::EnvironmentId environment;
  base::WorkspaceId workspace;
  base::RunId run;
  DeliveryStatus status = DeliveryStatus::kPending;
  hook::Why why = hook::Why::kNone;  // of the last decision
  int attempts = 0;                  // used up
  base::WallTime triggered_at;
  std::optional<base::WallTime> last_attempt_at, next_attempt_at;
  std::optional<hook::Outcome> outcome;  // of the last attempt
  std::optional<int> response_code;
  base::DeliveryId resend_of;  // 0: an original
  base::TokenId triggered_by;  // 0: the event itself
};

struct Attempt {
  int number = 0;  // counts all attempts, also those that used up none
  base::WallTime started_at;
  hook::Outcome outcome = hook::Outcome::kDelivered;
  std::string detail;
  hook::Decision decision;
  std::string
      request_headers;    // lines; sensitive custom values redacted, all custom ones for who may not read the endpoint
  int response_code = 0;  // 0: none
  std::string response_headers;  // lines
  std::string response_body;
  bool response_cut = false;
  int64_t resolve_us = -1, connect_us = -1, tls_us = -1, first_byte_us = -1, total_us = -1;
  std::string address;  // "127.0.0.1:8080"; empty: never connected
};

struct DeliveryDetail {
  Delivery delivery;
  std::string body;  // as sent; empty when purged
  bool purged = false;
  std::optional<Attempt> last_attempt;
};

// ---- for the dispatcher ----

struct Waiting {
  base::DeliveryId id;
  base::EndpointId endpoint;
  base::WallTime due;
};

struct Loaded {
  base::DeliveryId id;
  base::EndpointId endpoint;
  std::string body;
  int attempts_used = 0;
  int attempts_made = 0;                  // all of them: the next one's number is one more
  int own_faults = 0;                     // in a row
  std::optional<base::Error> unreadable;  // why there is no body: what is stored is damaged
};

// Where and how to send: an endpoint as the dispatcher needs it.
struct Target {
  base::EndpointId id;
  std::string url;
  hook::SigningKeys keys;
  std::vector<hook::CustomHeader> headers;
  int max_attempts = 3;
  int timeout_s = kDefaultTimeoutSeconds;  // 0: that too
  EndpointState state = EndpointState::kActive;
  std::optional<base::WallTime> held_until;
  int failures_in_a_row = 0;
  std::optional<base::Error> unreadable;  // why nothing can be sent: what is stored is damaged
};

struct AttemptRecord {
  base::DeliveryId id;
  base::EndpointId endpoint;
  Attempt attempt;  // with its decision
};

struct WebhookStatistics {
  base::WebhookId webhook;
  struct Span {
    int64_t delivered = 0, failed = 0, total = 0;
  } last_hour, last_day, last_week;  // in whole hours of the clock: the one that runs, and 1, 24, 168 before it
};

// accepted = delivered + waiting + failed, always.
struct Totals {
  int64_t events = 0, accepted = 0, delivered = 0, waiting = 0, failed = 0;
};

// ---- lists ----

struct Query {
  struct Filter {
    std::string name;                 // "workspace", as in filter[workspace]
    std::vector<std::string> values;  // any of these
    bool between = false;             // two values, a range of times
  };
  std::vector<Filter> filters;
  std::string text;  // substring of name (and id)
  struct Sort {
    std::string name;
    bool descending = false;
  };
  std::vector<Sort> sort;  // empty: newest first
  int page = 1, size = 20;
};

template <class T>
struct Page {
  std::vector<T> items;
  int64_t total = 0;
};

// ---- the change feed ----

struct Change {
  int64_t sequence = 0;
  base::WallTime at;
  std::string action;   // "run.planned", "delivery.delivered", "endpoint.paused", "webhook.created", ...
  std::string target;   // the id in its outside form
  base::RunId run;      // of runs and deliveries
  base::TokenId actor;  // 0: the program itself
  std::string actor_name;
  std::string detail;  // what was changed, in words; never a secret
};

struct ChangesQuery {
  int64_t after = 0;
  size_t limit = 100;
  std::optional<base::RunId> run;
  std::string kind;  // "delivery": only actions that begin with it; empty: all
};

}  // namespace store
