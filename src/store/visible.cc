#include "store/visible.h"

namespace store {
namespace {

void Add(std::string& list, int64_t id) {
  if (!list.empty()) list += ',';
  list += std::to_string(id);
}

}  // namespace

Visible::Visible(const base::Principal& who) {
  for (const base::Grant& grant : who.grants) {
    if (grant.place.workspace) {
      Add(workspaces_, grant.place.workspace.value);
      Add(around_, grant.place.environment.value);
    } else if (grant.place.environment) {
      Add(environments_, grant.place.environment.value);
      Add(around_, grant.place.environment.value);
    } else {
      all_ = true;
    }
  }
}

std::string Visible::In(std::string_view column, const std::string& list) const {
  if (all_) return "1";
  return std::string(column) + " IN (" + list + ")";
}

std::string Visible::Either(std::string_view environment, std::string_view workspace) const {
  if (all_) return "1";
  return "(" + In(environment, environments_) + " OR " + In(workspace, workspaces_) + ")";
}

std::string Visible::Environment(std::string_view environment) const { return In(environment, environments_); }
std::string Visible::EnvironmentAround(std::string_view environment) const { return In(environment, around_); }

}  // namespace store
