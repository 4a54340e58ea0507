// The resources: one set of functions, one file per resource. Store's templates call them by the id's or value's type.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/principal.h"
#include "base/result.h"
#include "store/query.h"
#include "store/rows.h"
#include "store/writing.h"

namespace store {

struct Reading {
  Db& db;
  const Shared& shared;
};

template <class T>
using Changer = std::function<base::Status(T&)>;

#define RB_LOGGED(T)                                                       \
  base::Result<T> GetRow(Reading r, const base::Principal& who, T::Id id); \
  base::Status ListRows(Reading r, const base::Principal& who, const Query& query, Page<T>& out)
#define RB_RESOURCE(T)                                                                                   \
  RB_LOGGED(T);                                                                                          \
  base::Result<T> CreateRow(Writing& w, const base::Principal& who, T value);                            \
  base::Result<T> UpdateRow(Writing& w, const base::Principal& who, T::Id id, const Changer<T>& change); \
  base::Status DeleteRow(Writing& w, const base::Principal& who, T::Id id)

RB_RESOURCE(Environment);
RB_RESOURCE(Workspace);
RB_RESOURCE(Endpoint);
RB_RESOURCE(Webhook);
RB_RESOURCE(Token);
RB_LOGGED(Run);
base::Result<Run> CreateRow(Writing& w, const base::Principal& who, Run value);
RB_LOGGED(Delivery);
#undef RB_RESOURCE
#undef RB_LOGGED

// What a workspace hears: its own webhooks, its environment's, the shared ones.
base::Result<std::vector<EffectiveWebhook>> ReadEffective(Reading r, const base::Principal& who, base::WorkspaceId id);
base::Result<std::vector<Target>> ReadTargets(Reading r, const std::vector<base::EndpointId>& ids);
// Forgets previous secrets whose overlap has ended.
void EndRotations(Writing& w);

// ---- shared by the resources ----

inline constexpr std::string_view kAttributes = "/data/attributes/";
inline constexpr std::string_view kRelationships = "/data/relationships/";

base::Error InvalidAttribute(std::string_view name, std::string message);
base::Error InvalidRelationship(std::string_view name, std::string message);
// That there are at most `max` characters, of well-formed UTF-8.
base::Status CheckText(std::string_view attribute, std::string_view text, size_t max);
inline constexpr size_t kMaxNameChars = 255;
base::Status CheckName(std::string_view name);  // as CheckText, and not empty
base::Error NameTaken(std::string_view what);

// Whether the place lives, as far as `who` may know; fills in a workspace's environment.
base::Status ResolvePlace(Db& db, const base::Principal& who, base::Place& place);

// What goes when a place goes: webhooks and endpoints in it, waiting deliveries. Live runs are canceled, which rings
// for the webhooks that stay.
base::Status EmptyWorkspace(Writing& w, const base::Principal& who, base::WorkspaceId id);
base::Status EmptyEnvironment(Writing& w, const base::Principal& who, base::EnvironmentId id);

std::vector<base::Place> PlacesOf(const Webhook& webhook);

// Joins the names of what differs: "name, url".
class Differences {
 public:
  Differences& Add(std::string_view name, bool differs) {
    if (differs) text_ += (text_.empty() ? "" : ", ") + std::string(name);
    return *this;
  }
  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

}  // namespace store
