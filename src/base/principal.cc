#include "base/principal.h"

#include <algorithm>

namespace base {
namespace {

constexpr Scope kScopes[] = {Scope::kRead, Scope::kReport, Scope::kApprove, Scope::kWrite, Scope::kAdmin};

bool Implies(Scope held, Scope wanted) { return held == wanted || held == Scope::kAdmin || wanted == Scope::kRead; }

}  // namespace

std::string_view Name(Scope scope) {
  switch (scope) {
    case Scope::kRead: return "read";
    case Scope::kReport: return "report";
    case Scope::kApprove: return "approve";
    case Scope::kWrite: return "write";
    case Scope::kAdmin: return "admin";
  }
  return "read";
}

std::optional<Scope> ParseScope(std::string_view text) {
  for (Scope scope : kScopes) {
    if (Name(scope) == text) return scope;
  }
  return std::nullopt;
}

bool Place::Covers(const Place& other) const {
  if (workspace) return other.workspace == workspace;
  if (environment) return other.environment == environment;
  return true;
}

bool Principal::May(Scope scope, const Place& place) const {
  return std::any_of(grants.begin(), grants.end(),
                     [&](const Grant& grant) { return Implies(grant.scope, scope) && grant.place.Covers(place); });
}

bool Principal::MayAnywhereIn(Scope scope, const Place& place) const {
  return std::any_of(grants.begin(), grants.end(), [&](const Grant& grant) {
    return Implies(grant.scope, scope) && (grant.place.Covers(place) || place.Covers(grant.place));
  });
}

Principal Principal::System() { return {{}, "runbell", {{Scope::kAdmin, {}}}}; }

}  // namespace base
