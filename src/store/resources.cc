#include "store/resources.h"

#include "store/transition.h"

namespace store {

using base::Error;
using base::Place;
using base::Principal;
using base::Status;

Error InvalidAttribute(std::string_view name, std::string message) {
  return base::Invalid(std::move(message), std::string(kAttributes) + std::string(name));
}

Error InvalidRelationship(std::string_view name, std::string message) {
  return base::Invalid(std::move(message), std::string(kRelationships) + std::string(name));
}

Status CheckText(std::string_view attribute, std::string_view text, size_t max) {
  if (!base::IsUtf8(text)) return InvalidAttribute(attribute, "not valid UTF-8");
  size_t characters = 0;
  for (char c : text) characters += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  if (characters > max) return InvalidAttribute(attribute, "longer than " + std::to_string(max) + " characters");
  return {};
}

Status CheckName(std::string_view name) {
  if (name.empty()) return InvalidAttribute("name", "must not be empty");
  return CheckText("name", name, kMaxNameChars);
}

Error NameTaken(std::string_view what) {
  return InvalidAttribute("name", "another " + std::string(what) + " has this name already");
}

Status ResolvePlace(Db& db, const Principal& who, Place& place) {
  if (place.workspace) {
    const base::EnvironmentId parent{
        db.Number("SELECT environment FROM workspaces WHERE id = ? AND deleted_at IS NULL", place.workspace)};
    if (!parent || !who.MayAnywhereIn(base::Scope::kRead, {parent, place.workspace})) {
      return InvalidRelationship("workspace", NotFound("Workspace", place.workspace).message);
    }
    if (place.environment && place.environment != parent) {
      return InvalidRelationship("workspace", "Workspace " + Format(place.workspace) +
                                                  " does not belong to an environment " + Format(place.environment));
    }
    place.environment = parent;
  } else if (place.environment) {
    const bool lives =
        db.Number("SELECT 1 FROM environments WHERE id = ? AND deleted_at IS NULL", place.environment) != 0;
    if (!lives || !who.MayAnywhereIn(base::Scope::kRead, place)) {
      return InvalidRelationship("environment", NotFound("Environment", place.environment).message);
    }
  }
  return {};
}

namespace {

template <class Id>
std::vector<Id> Ids(Db& db, const std::string& sql, int64_t value) {
  std::vector<Id> ids;
  Rows rows = db.QueryText(sql, {Value(value)});
  while (rows.Next()) ids.push_back(rows.Get<Id>(0));
  return ids;
}

void DeleteEndpoints(Writing& w, const Principal& who, const std::string& where, int64_t value) {
  for (auto id : Ids<base::EndpointId>(w.db, "SELECT id FROM endpoints WHERE deleted_at IS NULL AND " + where, value)) {
    w.db.Exec("UPDATE endpoints SET deleted_at = ? WHERE id = ?", w.now, id);
    FailWaiting(w, who, "endpoint = ?", id.value, hook::Why::kDeleted);
    w.committed.endpoints.push_back(id);
    w.committed.dropped.push_back(id);
  }
}

void DeleteWebhooks(Writing& w, const std::string& where, int64_t value) {
  w.db.QueryText("UPDATE webhooks SET deleted_at = " + std::to_string(base::ToMicros(w.now)) +
                     " WHERE deleted_at IS NULL AND " + where,
                 {Value(value)})
      .Next();
}

}  // namespace

Status EmptyWorkspace(Writing& w, const Principal& who, base::WorkspaceId id) {
  DeleteWebhooks(w, "reach = 0 AND workspace = ?", id.value);
  FailWaiting(w, who, "workspace = ?", id.value, hook::Why::kDeleted);
  DeleteEndpoints(w, who, "workspace = ?", id.value);
  w.ResourcesChanged();
  return CancelLiveRuns(w, who, id);
}

Status EmptyEnvironment(Writing& w, const Principal& who, base::EnvironmentId id) {
  const auto workspaces =
      Ids<base::WorkspaceId>(w.db, "SELECT id FROM workspaces WHERE deleted_at IS NULL AND environment = ?", id.value);
  for (auto workspace : workspaces) {
    RB_TRY(EmptyWorkspace(w, who, workspace));
    w.db.Exec("UPDATE workspaces SET deleted_at = ? WHERE id = ?", w.now, workspace);
  }
  // One that other environments share stays with those.
  DeleteWebhooks(w,
                 "id IN (SELECT webhook FROM webhook_environments WHERE environment = ?) AND "
                 "(SELECT count(*) FROM webhook_environments e WHERE e.webhook = webhooks.id) = 1",
                 id.value);
  w.db.Exec(
      "DELETE FROM webhook_environments WHERE environment = ? AND webhook IN "
      "(SELECT id FROM webhooks WHERE deleted_at IS NULL)",
      id);
  DeleteEndpoints(w, who, "environment = ?", id.value);
  return {};
}

}  // namespace store
