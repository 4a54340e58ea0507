// Ids: 63-bit numbers that grow with time; outside they are a prefix and 15 characters, `run-v0` + 13 of [0-9a-v].
//
// 41 bits of milliseconds since 2020 and 22 bits that start at random in each millisecond and then count. They sort by
// creation, which keeps the store's tables append-only, and each kind is its own type, so they cannot be mixed up.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"

namespace base {

template <class Kind>
struct Id {
  int64_t value = 0;  // 0: none
  static constexpr std::string_view kPrefix = Kind::kPrefix;
  explicit operator bool() const { return value != 0; }
  auto operator<=>(const Id&) const = default;
};

#define RB_ID(Name, prefix)                             \
  struct Name##Kind {                                   \
    static constexpr std::string_view kPrefix = prefix; \
  };                                                    \
  using Name = Id<Name##Kind>

RB_ID(EnvironmentId, "env-");
RB_ID(WorkspaceId, "ws-");
RB_ID(RunId, "run-");
RB_ID(EndpointId, "ep-");
RB_ID(WebhookId, "wh-");
RB_ID(DeliveryId, "wd-");
RB_ID(EventId, "evt-");
RB_ID(TokenId, "at-");
RB_ID(UserId, "user-");
#undef RB_ID

std::string FormatId(std::string_view prefix, int64_t value);
std::optional<int64_t> ParseId(std::string_view prefix, std::string_view text);

template <class Kind>
std::string Format(Id<Kind> id) {
  return FormatId(Kind::kPrefix, id.value);
}
template <class T>
std::optional<T> Parse(std::string_view text) {
  auto value = ParseId(T::kPrefix, text);
  if (!value) return std::nullopt;
  return T{*value};
}

// Hands out growing numbers, unique in this process. Any thread may call.
class IdMaker {
 public:
  IdMaker(Clock& clock, Random& random);
  ~IdMaker();
  template <class T>
  T Make() {
    return T{Next()};
  }

 private:
  int64_t Next();
  struct State;
  std::unique_ptr<State> state_;
};

// The smallest id of the millisecond of `t`: turns a time range into an id range.
int64_t FirstIdAt(WallTime t);
// The millisecond in which an id was made.
WallTime TimeOfId(int64_t id);

}  // namespace base

template <class Kind>
struct std::hash<base::Id<Kind>> {
  size_t operator()(base::Id<Kind> id) const noexcept { return std::hash<int64_t>()(id.value); }
};
