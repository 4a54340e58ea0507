// Runs.
#include "base/time_text.h"
#include "serve/resource.h"

namespace serve {
namespace {

namespace json = base::json;
using base::Status;
using store::Run;

json::value ShowPlan(const Run& row, const View&) {
  if (!row.plan) return nullptr;
  return json::object{{"add", row.plan->add},
                      {"change", row.plan->change},
                      {"destroy", row.plan->destroy},
                      {"import", row.plan->import}};
}

json::value ShowChanges(const Run& row, const View&) {
  json::array changes;
  for (const auto& change : row.changes) {
    changes.push_back(json::object{{"address", change.address}, {"action", change.action}});
  }
  return changes;
}

// {"planned-at": time, ...}
json::value ShowTimestamps(const Run& row, const View&) {
  json::object timestamps;
  for (const auto& [status, at] : row.reached) {
    std::string key(run::Name(status));
    std::replace(key.begin(), key.end(), '_', '-');
    timestamps[key + "-at"] = base::FormatIso(at);
  }
  return timestamps;
}

Status CheckVariable(const json::value& variable) {
  if (!variable.is_object()) return base::Invalid("value must be an object");
  bool has_key = false;
  for (const auto& [name, value] : variable.get_object()) {
    bool text = name == "category" || name == "key" || name == "value" || name == "description";
    bool flag = name == "hcl" || name == "sensitive";
    bool fits = (text && value.is_string()) || (flag && value.is_bool()) || ((text || flag) && value.is_null());
    if (!fits) return base::Invalid("value has a wrong or unknown member '" + std::string(name) + "'");
    has_key |= name == "key" && value.is_string() && !value.get_string().empty();
  }
  if (!has_key) return base::Invalid("key is required");
  return {};
}

Status CheckVariables(const json::value& value) {
  size_t index = 0;
  for (const auto& variable : value.get_array()) {
    if (auto status = CheckVariable(variable); !status) {
      return base::Invalid(status.error().message, "/" + std::to_string(index));
    }
    ++index;
  }
  return {};
}

// As the contract lists them; three of them are families.
Status CheckSource(const json::value& value) {
  static constexpr std::string_view kSources[] = {
      "api",     "cli",        "scalr-cli", "configuration-version", "service-catalog",
      "ui",      "vcs",        "vcs-task",  "run-trigger",           "schedule",
      "restart", "restart-ci", "assistant"};
  const std::string_view source = value.get_string();
  const bool known = std::find(std::begin(kSources), std::end(kSources), source) != std::end(kSources);
  const bool of_family =
      source.starts_with("dashboard-") || source.starts_with("workspaces-") || source.starts_with("reports-");
  if (known || of_family) return {};
  return base::Invalid("value must be a source of runs, such as api, cli or vcs");
}

std::vector<Attribute<Run>> Settable() {
  using R = Run;
  return {
      {.name = "message",
       .rule = Text(512).OrNull(),
       .get = [](const R& row, const View&) { return json::value(row.message); },
       .set =
           [](R& row, const json::value& value) {
             row.message = value.is_string() ? std::string(value.get_string()) : std::string();
           }},
      {.name = "source",
       .rule = Text(64),
       .get = [](const R& row, const View&) { return json::value(row.source); },
       .set = [](R& row, const json::value& value) { row.source = std::string(value.get_string()); },
       .check = CheckSource},
      {.name = "is-destroy",
       .rule = Flag(),
       .get = [](const R& row, const View&) { return json::value(row.facts.is_destroy); },
       .set = [](R& row, const json::value& value) { row.facts.is_destroy = value.get_bool(); }},
      {.name = "is-dry",
       .rule = Flag(),
       .get = [](const R& row, const View&) { return json::value(row.facts.is_dry); },
       .set = [](R& row, const json::value& value) { row.facts.is_dry = value.get_bool(); }},
      {.name = "auto-apply",
       .rule = Flag().OrNull(),
       .get = [](const R& row, const View&) { return json::value(row.facts.auto_apply); },
       .set = [](R& row, const json::value& value) { row.facts.auto_apply = value.is_bool() && value.get_bool(); }},
      {.name = "driver",
       .rule = OneOf({"reporter", "none"}),
       .get = [](const R& row, const View&) { return json::value(run::Name(row.facts.driver)); },
       .set =
           [](R& row, const json::value& value) {
             row.facts.driver = run::ParseDriver(std::string_view(value.get_string())).value_or(run::Driver::kNone);
           }},
      {.name = "variables",
       .rule = List().OrNull(),
       .get = [](const R& row, const View&) { return json::value(row.variables); },
       .set = [](R& row,
                 const json::value& value) { row.variables = value.is_array() ? value.get_array() : json::array(); },
       .check = CheckVariables},
      {.name = "key",
       .rule = Text(store::kMaxKeyChars).OrNull(),
       .set =
           [](R& row, const json::value& value) {
             row.key = value.is_string() ? std::string(value.get_string()) : std::string();
           }},
      Kept<R>("plan-at", Time().OrNull()),
      Kept<R>("refresh", Flag().OrNull(), true),
      Kept<R>("refresh-only", Flag().OrNull(), false),
      Kept<R>("target-addrs", Texts().OrNull(), json::array()),
      Kept<R>("replace-addrs", Texts().OrNull(), json::array()),
      Kept<R>("save-plan", Flag().OrNull(), false),
  };
}

std::vector<Attribute<Run>> ReadOnly() {
  using R = Run;
  return {
      {.name = "status", .get = [](const R& row, const View&) { return json::value(run::Name(row.facts.status)); }},
      {.name = "reason",
       .get = [](const R& row, const View&) { return TextOrNull(std::string(run::Name(row.facts.reason))); }},
      {.name = "needs-decision",
       .get = [](const R& row, const View&) { return json::value(run::NeedsDecision(row.facts)); }},
      {.name = "cancel-requested", .get = [](const R& row, const View&) { return json::value(row.cancel_requested); }},
      {.name = "has-changes",
       .get = [](const R& row, const View&) -> json::value {
         if (!row.facts.has_changes) return nullptr;
         return *row.facts.has_changes;
       }},
      {.name = "plan-counts", .get = ShowPlan},
      {.name = "changed-addresses", .get = ShowChanges},
      {.name = "changed-addresses-left-out",
       .get = [](const R& row, const View&) { return json::value(row.changes_left_out); }},
      {.name = "error-message", .get = [](const R& row, const View&) { return TextOrNull(row.error_summary); }},
      {.name = "position-in-queue",
       .get = [](const R& row, const View&) -> json::value {
         if (!row.position_in_queue) return nullptr;
         return *row.position_in_queue;
       }},
      {.name = "apply-at", .get = [](const R&, const View&) { return json::value(nullptr); }},
      {.name = "status-timestamps", .get = ShowTimestamps},
      {.name = "created-at",
       .get = [](const R& row, const View&) { return json::value(base::FormatIso(row.created_at)); }},
      {.name = "updated-at",
       .get = [](const R& row, const View&) { return json::value(base::FormatIso(row.updated_at)); }},
      {.name = "url",
       .get = [](const R& row, const View& view) { return json::value(view.Link("/runs/" + base::Format(row.id))); }},
  };
}

std::vector<Attribute<Run>> Attributes() {
  auto attributes = ReadOnly();
  for (auto& one : Settable()) attributes.push_back(std::move(one));
  return attributes;
}

std::vector<Relationship<Run>> Relationships() {
  using R = Run;
  return {
      {.name = "workspace",
       .type = "workspaces",
       .get = [](const R& row, const View&) { return One(row.workspace); },
       .set = [](R& row, const std::vector<std::string>& ids, const View&) { return SetId(row.workspace, ids); },
       .required = true},
      {.name = "environment",
       .type = "environments",
       .get = [](const R& row, const View&) { return One(row.environment); }},
      {.name = "created-by", .type = "users", .get = [](const R& row, const View&) { return UserOf(row.created_by); }},
      {.name = "configuration-version",
       .type = "configuration-versions",
       .set = [](R&, const std::vector<std::string>& ids, const View&) { return ids.empty(); }},
      Absent<R>("plan", "plans"),
      Absent<R>("apply", "applies"),
      Absent<R>("cost-estimate", "cost-estimates"),
      Absent<R>("policy-checks", "policy-checks", true),
      Absent<R>("created-by-run", "runs"),
      Absent<R>("vcs-revision", "vcs-revisions"),
      Absent<R>("tags", "tags", true),
  };
}

// Who will move the run along: named outright, or the command line that made it. A run of neither kind would need a
// configuration to run, and this server has none.
Status Finish(Run& row, const Run*, const Input& input, const View& view) {
  if (!input.Has("driver")) {
    if (row.source != "cli") {
      return InvalidRelationship("configuration-version",
                                 "No configuration versions available to create the run from. Upload at least one or "
                                 "link the workspace to a VCS provider.");
    }
    row.facts.driver = run::Driver::kReporter;
  }
  auto workspace = Require<store::Workspace>(view, row.workspace, "workspace");
  if (!workspace) return workspace.error();
  row.environment = workspace->environment;
  const auto* auto_apply = input.attributes.if_contains("auto-apply");
  if (auto_apply == nullptr || auto_apply->is_null()) row.facts.auto_apply = workspace->auto_apply;
  return {};
}

}  // namespace

template <>
const Resource<Run>& Describe() {
  static const Resource<Run> kResource{"runs", "Run", "/runs", Attributes(), Relationships(), Finish};
  return kResource;
}

}  // namespace serve
