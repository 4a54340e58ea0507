// What a webhook is: the payload, its signature, what an attempt's outcome means, and what happens next. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/result.h"
#include "base/secret.h"
#include "run/run.h"

namespace hook {

// ---- payload ----

enum class PayloadForm : uint8_t { kUnderscore, kHyphen };
std::string_view Name(PayloadForm form);  // "underscore"
std::optional<PayloadForm> ParsePayloadForm(std::string_view text);

// Everything a payload says, as it was when the event was accepted.
struct Snapshot {
  base::EventId event;
  int64_t sequence = 0;
  run::EventKind kind = run::EventKind::kCompleted;
  run::Reason reason = run::Reason::kNone;
  base::RunId run;
  std::string message, source, run_url;
  run::Status status = run::Status::kPending;
  bool is_destroy = false, is_dry = false;
  base::WallTime created_at, updated_at;
  std::string created_by_id, created_by_name, created_by_email;  // an empty email is written as null
  base::WorkspaceId workspace;
  std::string workspace_name, workspace_url;
  base::EnvironmentId environment;
  std::string environment_name, environment_url;
  base::json::object variables;  // name to value; sensitive ones are not in it
  std::optional<run::Counts> plan;
  std::string error_summary;  // masked; empty: none
};

// The body is `head + webhook part + tail`: what differs between the webhooks of one event is only the middle, so an
// event is stored once whatever its fan-out. Compact JSON, valid UTF-8, the documented keys first and in the documented
// order (the hyphen form: sorted at every level). Then ours: event_id, sequence, reason (null for kNone), is_destroy,
// is_dry, plan {add, change, destroy, import} when it is known, error {summary} when there is one. The members of
// created_by are null when empty. The names of variables are the user's own in both forms.
struct Payload {
  std::string head, tail;
};
Payload RenderPayload(const Snapshot& snapshot, PayloadForm form);
std::string RenderWebhookPart(base::WebhookId id, std::string_view name);  // {"id":"wh-...","name":"..."}

// ---- signature ----

struct SigningKeys {
  base::Secret current;
  std::optional<base::Secret> previous;  // while a rotation overlaps
};
struct Signatures {
  std::string date;               // the Date header
  std::string x_signature;        // hex; by the previous secret while a rotation overlaps: it can carry one digest
  std::string webhook_timestamp;  // seconds
  std::string webhook_signature;  // "v1,<base64>", two separated by a blank while a rotation overlaps
};
Signatures Sign(const SigningKeys& keys, std::string_view delivery_id, base::WallTime now, std::string_view body);

// The Standard Webhooks key of a secret: the decoded bytes of a `whsec_` text, otherwise the text's own bytes.
std::string StandardWebhooksKey(const base::Secret& secret);
base::Secret FormatWhsec(const base::Secret& secret);  // how receivers' libraries want it
// 32 letters and digits.
base::Secret MakeSecret(base::Random& random);

enum class Verdict : uint8_t {
  kValid,
  kMissingHeader,
  kMalformedHeader,
  kWrongSignature,
  kTooOld,
  kTooNew,
};
std::string_view Name(Verdict verdict);
struct Check {
  Verdict verdict = Verdict::kValid;
  std::string detail;  // which header, and what is wrong with it
};
// `header_lines` are "Name: value\r\n" lines. A window of 0 accepts any time. Any of `keys` may fit; an empty one never
// does. Date, timestamp and digests are accepted in their canonical spelling only, a header given twice never. The
// time is judged last: kTooOld and kTooNew are said of authentic requests only. Details are safe to log and show.
Check VerifyScalr(const std::vector<base::Secret>& keys, std::string_view header_lines, std::string_view body,
                  base::WallTime now, base::Micros window);
Check VerifyStandardWebhooks(const std::vector<base::Secret>& keys, std::string_view header_lines,
                             std::string_view body, base::WallTime now, base::Micros window);

// ---- request headers ----

struct CustomHeader {
  std::string name, value;
  bool sensitive = false;
  bool operator==(const CustomHeader&) const = default;
};
// By its name, what a header's value is likely to be; hiding one too many does no harm.
bool SoundsSecret(std::string_view header_name);
// Whether it was said to be, or sounds so: its value is not to be shown or stored in clear.
bool IsSensitive(const CustomHeader& header);
// kInvalid unless the name is a token of at most 256 bytes that is neither ours nor hop-by-hop, and the value has no
// control character and at most 4,096 bytes. `where` of the error is left empty for the caller; the message never
// repeats the value.
base::Status CheckHeader(const CustomHeader& header);

struct HeaderInputs {
  std::string_view host_header;
  size_t body_bytes = 0;
  std::string_view delivery_id;
  const Signatures* signatures = nullptr;
  const std::vector<CustomHeader>* custom = nullptr;
};
// All lines of the request in their fixed order, ours first, custom ones after; one that fails CheckHeader is an error,
// never sent.
base::Result<std::string> FormatHeaderLines(const HeaderInputs& inputs);
// The same lines with the values of sensitive custom headers replaced by "(sensitive)": what may be stored and shown.
std::string RedactHeaderLines(std::string_view lines, const std::vector<CustomHeader>& custom);
// The same lines with the values of all custom headers replaced by "(hidden)": for those who may not see the endpoint.
std::string HideCustomHeaderLines(std::string_view lines);

// ---- the outcome of an attempt ----

// One name for the decision, the database, the log, the metric label and the API.
enum class Outcome : uint8_t {
  kDelivered,    // 2xx
  kRedirected,   // 3xx; never followed
  kClientError,  // 4xx but the two below
  kGone,         // 410
  kRateLimited,  // 429
  kServerError,  // 5xx
  kBadResponse,  // not HTTP, or a status outside 200-599
  kResolveFailed,
  kResolveTimeout,
  kConnectRefused,
  kConnectFailed,
  kConnectTimeout,
  kTlsFailed,
  kConnectionLost,  // broke before the response headers were complete
  kResponseTimeout,
  kAddressRefused,  // by the egress guard
  kInvalidRequest,  // the url, a custom header or what is stored cannot be sent
  kOwnFault,        // ours: uses up no attempt
};
inline constexpr int kOutcomeCount = 18;
std::string_view Name(Outcome outcome);  // "server_error"
std::optional<Outcome> ParseOutcome(std::string_view text);
Outcome OutcomeOfCode(int code);

// Why a delivery is where it is.
enum class Verb : uint8_t { kDelivered, kRetry, kGiveUp };
enum class Why : uint8_t {
  kNone,
  kSucceeded,
  kScheduled,
  kRetryAfter,
  kOwnFault,
  kAttemptsExhausted,
  kEndpointGone,
  kAddressRefused,
  kInvalidRequest,
  kEndpointDisabled,
  kDeleted,
  kExpired,
};
std::string_view Name(Why why);  // "attempts_exhausted"
std::optional<Why> ParseWhy(std::string_view text);
std::string_view Describe(Why why);  // a sentence for people

struct AttemptFacts {
  Outcome outcome = Outcome::kDelivered;
  int code = 0;
  std::optional<base::Micros> retry_after;  // of a 429 or 503
  int attempts_used = 0;                    // before this one
  int own_faults = 0;                       // in a row, before this one
};
struct Decision {
  Verb verb = Verb::kDelivered;
  Why why = Why::kSucceeded;
  int attempts_used = 0;                         // with this one
  base::WallTime retry_at;                       // kRetry
  std::optional<base::WallTime> pause_endpoint;  // until then nothing is sent to the endpoint
  bool disable_endpoint = false;
  bool operator==(const Decision&) const = default;
};
// 0, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h, then every 24 h; `chance` in [0, 1) adds up to a tenth,
// never takes away. Retry-After pauses the endpoint, 10 h at most, and never hurries the schedule. 410 disables it. Own
// faults are tried again after 1 s, doubling up to 60 s.
Decision Decide(const AttemptFacts& facts, int max_attempts, base::WallTime now, double chance);
// The wait before attempt `n` (1-based); 0 for the first.
base::Micros WaitBefore(int n);
// Seconds (a year at most, more is cut to that) or an HTTP-date; negative and malformed values are none.
std::optional<base::Micros> ParseRetryAfter(std::string_view text, base::WallTime now);

// How many requests an endpoint may have under way: `limit` while it works, fewer as failures in a row grow, one when
// it looks dead, so that dead endpoints cannot hold the process's connections.
int InFlightLimit(int limit, int failures_in_a_row);

}  // namespace hook
