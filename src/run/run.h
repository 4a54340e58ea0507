// What a run is: its states, which moves between them are legal, which event a move rings, and what the Terraform JSON
// stream says about it. Pure: facts in, decision out; no I/O, no clock.
//
// The states and their order are those of the public contract; the events and reasons are those of payloads.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace run {

enum class Status : uint8_t {
  kPending,
  kPlanQueued,
  kPlanning,
  kPlanned,
  kCostEstimating,
  kCostEstimated,
  kPolicyChecking,
  kPolicyChecked,
  kPolicyOverride,
  kConfirmed,
  kApplyQueued,
  kApplying,
  kApplied,
  kPlannedAndFinished,
  kErrored,
  kDiscarded,
  kCanceled,
};
inline constexpr int kStatusCount = 17;
std::string_view Name(Status status);  // "policy_checked"
std::optional<Status> ParseStatus(std::string_view text);
bool IsFinal(Status status);

enum class EventKind : uint8_t { kCompleted, kErrored, kNeedsAttention };
inline constexpr std::array kAllEvents = {EventKind::kCompleted, EventKind::kErrored, EventKind::kNeedsAttention};
std::string_view Name(EventKind kind);  // "run:completed"
std::optional<EventKind> ParseEventKind(std::string_view text);
std::string_view Description(EventKind kind);

enum class Reason : uint8_t {
  kNone,
  kApproval,
  kPolicyOverride,
  kApplied,
  kDestroyed,
  kNoChanges,
  kPlanOnly,
  kInitFailed,
  kPlanFailed,
  kApplyFailed,
  kPolicyFailed,
  kLost,
  kCanceled,
  kDiscarded,
  kExpired,
};
std::string_view Name(Reason reason);  // "plan_failed"; "" for kNone
std::optional<Reason> ParseReason(std::string_view text);

// Who moves a run along: a reporter (the wrapper, a CI job), the server itself, or nobody.
enum class Driver : uint8_t { kReporter, kServer, kNone };
std::string_view Name(Driver driver);
std::optional<Driver> ParseDriver(std::string_view text);

// What a decision depends on.
struct Facts {
  Status status = Status::kPending;
  Reason reason = Reason::kNone;    // of the state it is in
  std::optional<Status> lost_from;  // where it was when it was declared lost
  bool auto_apply = false;
  bool is_destroy = false;
  bool is_dry = false;              // plan only
  std::optional<bool> has_changes;  // known from `planned` on
  Driver driver = Driver::kReporter;
  bool discard_is_errored = false;  // setting `events.discarded`
};

// Whether the run stands still until a person decides (apply, discard, or override).
bool NeedsDecision(const Facts& facts);

enum class Action : uint8_t { kReport, kApply, kDiscard, kCancel, kOverride, kExpire, kLose };
std::string_view Name(Action action);

struct Move {
  Action action = Action::kReport;
  Status to = Status::kPending;     // for kReport
  Reason reason = Reason::kNone;    // for kReport; kNone infers it from where the run is
  std::optional<bool> has_changes;  // for kReport of `planned`
};

struct Step {
  Status status = Status::kPending;  // where the run is afterwards
  Reason reason = Reason::kNone;
  std::optional<Status> lost_from;
  std::optional<bool> has_changes;
  bool changed = false;            // false: it was there already (a heartbeat, a cancel under way)
  bool cancel_requested = false;   // the reporter has to interrupt; the status stays until it reports
  std::optional<EventKind> event;  // rings when set
};

// kConflict names both states; kInvalid names a reason that does not fit. A report never moves a run past a decision
// that a person has to take; reporting the state the run is in already is a heartbeat. `lost` is the only errored state
// that a report resumes, and only to where it was.
base::Result<Step> Decide(const Facts& facts, const Move& move);

// ---- what a plan or an apply did ----

struct Counts {
  int add = 0, change = 0, destroy = 0, import = 0;
  bool operator==(const Counts&) const = default;
};

struct ChangedResource {
  std::string address;
  std::string action;  // create, update, replace, delete, read, move, import, forget
};

// ---- Terraform's and OpenTofu's `-json` stream ----

// A line of the stream, reduced to what Runbell uses.
struct StreamLine {
  enum class Type : uint8_t {
    kVersion,
    kPlannedChange,
    kDrift,
    kSummary,
    kOutputs,
    kStarted,
    kProgress,
    kFinished,
    kFailed,
    kProvision,
    kRefresh,
    kDiagnostic,
    kLog,
    kOther,
    kRaw,          // not a JSON object: provisioner output, a CLI warning; kept as text
    kUnsupported,  // a version line with a major version of the stream that is not understood
  };
  Type type = Type::kOther;
  std::string text;     // @message, or the raw line
  std::string address;  // resource
  std::string action;   // create, update, delete, replace...
  int64_t elapsed_seconds = 0;
  Counts counts;                // kSummary
  std::string operation;        // kSummary: plan, apply, destroy
  std::string severity;         // kDiagnostic: error, warning
  std::string summary, detail;  // kDiagnostic
  std::string file;             // kDiagnostic: "main.tf:18"
  bool interrupted = false;     // says that the tool took an interrupt
  std::string tool_version;     // kVersion: "Terraform 1.11.4"
};

// Cuts bytes into lines as they come. A line longer than 1 MiB is cut and marked kRaw.
class StreamParser {
 public:
  std::vector<StreamLine> Feed(std::string_view bytes);
  std::vector<StreamLine> Finish();  // the last line, if it had no newline

 private:
  void TakeLine(std::vector<StreamLine>& lines);
  std::string partial_;
  bool skipping_ = false;
};

// Follows one plan or apply by its lines: counts (from the summary, or counted from finished resources when there is
// none), changed addresses, errors, whether it was interrupted. The first 10,000 changes and 100 errors are kept.
class StreamTracker {
 public:
  void Take(const StreamLine& line);
  const Counts& counts() const { return counts_; }
  bool has_summary() const { return has_summary_; }
  const std::vector<ChangedResource>& changes() const { return changes_; }
  const std::vector<StreamLine>& errors() const { return errors_; }
  bool interrupted() const { return interrupted_; }
  int planned() const { return planned_; }    // resources that an apply has to work on
  int finished() const { return finished_; }  // done or failed so far

 private:
  void TakePlanned(const StreamLine& line);
  void TakeStep(const StreamLine& line);
  Counts counts_;
  std::vector<ChangedResource> changes_;
  std::vector<StreamLine> errors_;
  std::map<std::string, int> steps_left_;  // by address
  bool has_summary_ = false, of_plan_ = false, interrupted_ = false;
  int planned_ = 0, finished_ = 0;
};

// ---- masking ----

// The sensitive texts of a plan (`show -json`): every string or number behind a sensitivity mark of a resource, an
// output or a variable, longest first. Very short values (under 4 bytes) cannot be masked without garbling the text and
// are listed in `too_short`.
struct SensitiveValues {
  std::vector<std::string> values;
  std::vector<std::string> too_short;
};
struct PlanSummary {
  Counts counts;
  std::vector<ChangedResource> changes;
  bool has_changes = false;  // resources or outputs
  SensitiveValues sensitive;
};
base::Result<PlanSummary> SummarizePlan(const base::json::value& plan);

// Replaces every sensitive value, also in JSON-escaped, base64, hex and URL-encoded form, by "(sensitive)". Of a value
// with several lines each longer line is masked too. Values that overlap leave nothing of either.
class Masker {
 public:
  explicit Masker(const SensitiveValues& sensitive);
  std::string Mask(std::string_view text) const;

 private:
  std::vector<std::string> forms_;
};
std::string Mask(std::string_view text, const SensitiveValues& sensitive);
// "Error: local-exec provisioner error (main.tf:18, terraform_data.web[0]): ..." of the first errors, masked, one line
// each, at most 500 characters (code points), cut with an ellipsis.
std::string ErrorSummary(const std::vector<StreamLine>& errors, const SensitiveValues& sensitive);
inline constexpr size_t kErrorSummaryChars = 500;

}  // namespace run
