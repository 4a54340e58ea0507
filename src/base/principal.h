// Principal: who acts, and what they may do where. Every verb of the store takes one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"

namespace base {

// What a token may do. Admin implies all others; the others imply nothing but read.
enum class Scope { kRead, kReport, kApprove, kWrite, kAdmin };
std::string_view Name(Scope scope);
std::optional<Scope> ParseScope(std::string_view text);

// A place in the tree account > environment > workspace. Both ids 0: the whole account. A workspace carries its
// environment.
struct Place {
  EnvironmentId environment;
  WorkspaceId workspace;
  // Whether this place is `other` or lies above it.
  bool Covers(const Place& other) const;
  auto operator<=>(const Place&) const = default;
};

struct Grant {
  Scope scope = Scope::kRead;
  Place place;
};

struct Principal {
  TokenId token;     // 0 for the program itself
  std::string name;  // the token's name, or "runbell" for the program itself
  std::vector<Grant> grants;

  bool May(Scope scope, const Place& place) const;
  // Whether anything at or below `place` may be seen.
  bool MayAnywhereIn(Scope scope, const Place& place) const;

  static Principal System();  // the program itself: may do everything
};

}  // namespace base
