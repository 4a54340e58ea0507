// Environments and workspaces.
#include "base/time_text.h"
#include "serve/resource.h"

namespace serve {
namespace {

namespace json = base::json;
using base::Status;
using store::Environment;
using store::Workspace;

std::vector<std::string> AccountOf(const View& view) { return {view.context.account.id}; }

std::vector<Attribute<Environment>> EnvironmentAttributes() {
  using E = Environment;
  return {
      {.name = "name",
       .rule = NameText(),
       .get = [](const E& row, const View&) { return json::value(row.name); },
       .set = [](E& row, const json::value& value) { row.name = std::string(value.get_string()); },
       .required = true},
      {.name = "status", .get = [](const E&, const View&) { return json::value("Active"); }},
      {.name = "created-at",
       .get = [](const E& row, const View&) { return json::value(base::FormatIso(row.created_at)); }},
      {.name = "updated-at",
       .get = [](const E& row, const View&) { return json::value(base::FormatIso(row.updated_at)); }},
      {.name = "created-by-email", .get = [](const E&, const View&) { return json::value(nullptr); }},
      Kept<E>("cost-estimation-enabled", Flag(), true),
      Kept<E>("remote-backend", Flag(), true),
      Kept<E>("remote-backend-overridable", Flag(), false),
      Kept<E>("mask-sensitive-output", Flag(), true),
      Kept<E>("is-federated-to-account", Flag(), false),
      {.name = "locked", .get = [](const E&, const View&) { return json::value(false); }},
      {.name = "lock-reason", .get = [](const E&, const View&) { return json::value(nullptr); }},
      {.name = "permissions",
       .get = [](const E&, const View& view) { return Permissions("environments", view.who, {}, {}); }},
  };
}

std::vector<Relationship<Environment>> EnvironmentRelationships() {
  using E = Environment;
  return {
      {.name = "account",
       .type = "accounts",
       .get = [](const E&, const View& view) { return AccountOf(view); },
       .set = [](E&, const std::vector<std::string>& ids, const View& view) { return IsOwnAccount(ids, view); },
       .fixed = true},
      {.name = "created-by", .type = "users", .get = [](const E& row, const View&) { return UserOf(row.created_by); }},
      Absent<E>("policy-groups", "policy-groups", true),
      Absent<E>("default-provider-configurations", "provider-configurations", true),
      Absent<E>("provider-configurations", "provider-configurations", true),
      Absent<E>("tags", "tags", true),
      Absent<E>("storage-profile", "storage-profiles"),
      Absent<E>("default-workspace-agent-pool", "agent-pools"),
  };
}

Attribute<Workspace> KeptRepository() {
  auto attribute = Kept<Workspace>("vcs-repo", Object().OrNull());
  attribute.check = [](const json::value& value) -> Status {
    if (base::StringAt(value, {"identifier"}).value_or("").empty()) return base::Invalid("identifier is required");
    return {};
  };
  return attribute;
}

// What the contract documents of a workspace and this server only keeps.
std::vector<Attribute<Workspace>> KeptOfWorkspace() {
  using W = Workspace;
  return {
      Kept<W>("auto-queue-runs", OneOf({"skip_first", "always", "never", "on_create_only"}), "skip_first"),
      Kept<W>("execution-mode", OneOf({"remote", "local"}), "remote"),
      Kept<W>("operations", Flag().OrNull(), true),
      Kept<W>("terraform-version", Text(64).OrNull()),
      Kept<W>("iac-platform", OneOf({"terraform", "opentofu"}), "terraform"),
      Kept<W>("working-directory", Text(1024).OrNull()),
      Kept<W>("var-files", Texts().OrNull()),
      Kept<W>("run-operation-timeout", Integer(0, 31'536'000).OrNull()),
      Kept<W>("deletion-protection-enabled", Flag(), true),
      Kept<W>("force-latest-run", Flag(), false),
      Kept<W>("environment-type", OneOf({"production", "staging", "testing", "development", "unmapped"}), "unmapped"),
      Kept<W>("remote-backend", Flag().OrNull(), true),
      Kept<W>("remote-state-sharing", Flag().OrNull(), false),
      Kept<W>("hooks", Object().OrNull()),
      KeptRepository(),
      Kept<W>("terragrunt", Object().OrNull()),
      Kept<W>("apply-schedule", Text(255).OrNull()),
      Kept<W>("destroy-schedule", Text(255).OrNull()),
  };
}

std::vector<Attribute<Workspace>> WorkspaceAttributes() {
  using W = Workspace;
  std::vector<Attribute<W>> attributes = {
      {.name = "name",
       .rule = NameText(),
       .get = [](const W& row, const View&) { return json::value(row.name); },
       .set = [](W& row, const json::value& value) { row.name = std::string(value.get_string()); },
       .required = true},
      {.name = "auto-apply",
       .rule = Flag(),
       .get = [](const W& row, const View&) { return json::value(row.auto_apply); },
       .set = [](W& row, const json::value& value) { row.auto_apply = value.get_bool(); }},
      {.name = "has-resources", .get = [](const W&, const View&) { return json::value(false); }},
      {.name = "locked", .get = [](const W&, const View&) { return json::value(false); }},
      {.name = "lock-reason", .get = [](const W&, const View&) { return json::value(nullptr); }},
      {.name = "created-at",
       .get = [](const W& row, const View&) { return json::value(base::FormatIso(row.created_at)); }},
      {.name = "updated-at",
       .get = [](const W& row, const View&) { return json::value(base::FormatIso(row.updated_at)); }},
      {.name = "url",
       .get = [](const W& row,
                 const View& view) { return json::value(view.Link("/workspaces/" + base::Format(row.id))); }},
      {.name = "permissions",
       .get =
           [](const W& row, const View& view) {
             return Permissions("workspaces", view.who, {row.environment, row.id}, {row.environment, {}});
           }},
  };
  for (auto& kept : KeptOfWorkspace()) attributes.push_back(std::move(kept));
  // As a public client misspells var-files.
  attributes.push_back({.name = "var_files", .rule = Texts().OrNull(), .set = [](W& row, const json::value& value) {
                          if (!value.is_null()) row.extra["var-files"] = value;
                        }});
  return attributes;
}

std::vector<Relationship<Workspace>> WorkspaceRelationships() {
  using W = Workspace;
  return {
      {.name = "environment",
       .type = "environments",
       .get = [](const W& row, const View&) { return One(row.environment); },
       .set = [](W& row, const std::vector<std::string>& ids, const View&) { return SetId(row.environment, ids); },
       .required = true,
       .fixed = true},
      {.name = "created-by", .type = "users", .get = [](const W& row, const View&) { return UserOf(row.created_by); }},
      {.name = "current-run",
       .type = "runs",
       .get = [](const W& row, const View&) { return One(row.current_run.value_or(base::RunId())); }},
      {.name = "latest-run",
       .type = "runs",
       .get = [](const W& row, const View&) { return One(row.latest_run.value_or(base::RunId())); }},
      Absent<W>("configuration-version", "configuration-versions"),
      Absent<W>("vcs-provider", "vcs-providers"),
      Absent<W>("agent-pool", "agent-pools"),
      Absent<W>("module-version", "module-versions"),
      Absent<W>("tags", "tags", true),
      Absent<W>("ssh-key", "ssh-keys"),
  };
}

}  // namespace

template <>
const Resource<Environment>& Describe() {
  static const Resource<Environment> kResource{"environments", "Environment", "/environments", EnvironmentAttributes(),
                                               EnvironmentRelationships()};
  return kResource;
}

template <>
const Resource<Workspace>& Describe() {
  static const Resource<Workspace> kResource{"workspaces", "Workspace", "/workspaces", WorkspaceAttributes(),
                                             WorkspaceRelationships()};
  return kResource;
}

}  // namespace serve
