// Who a bearer token is: the store's answer, remembered for a short while so that the hot route reads no disk.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/principal.h"
#include "net/net.h"
#include "store/store.h"

namespace serve {

using PrincipalPtr = std::shared_ptr<const base::Principal>;

// Keyed by SHA-256, so that memory holds no token. An entry lives 60 s at most (so that the store sees a token's use),
// not beyond the token's expiry, and not beyond any change to any token. Any thread may call.
class TokenCache {
 public:
  TokenCache(store::Store& store, base::Clock& clock);

  PrincipalPtr Find(std::string_view token);  // null: not remembered
  // Blocks for the disk. kNotFound for a token that is not known or no longer valid.
  base::Result<PrincipalPtr> Authenticate(std::string_view token);

 private:
  struct Entry {
    PrincipalPtr principal;
    base::MonoTime until;
    std::optional<base::WallTime> expires_at;
  };
  struct State {
    uint64_t generation = 0;
    std::unordered_map<std::string, Entry> entries;
  };
  void Remember(std::string key, Entry entry, uint64_t generation);

  store::Store& store_;
  base::Clock& clock_;
  base::Guarded<State> state_;
};

// The token of "Authorization: Bearer ..."; empty when there is none.
std::string_view BearerToken(const net::Request& request);

}  // namespace serve
