#include "serve/tokens.h"

#include "base/crypto.h"

namespace serve {
namespace {

constexpr size_t kMaxEntries = 10'000;
constexpr base::Micros kMaxAge{60'000'000};
constexpr size_t kMaxTokenBytes = 4096;

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool IsBearer(std::string_view scheme) {
  constexpr std::string_view kScheme = "bearer ";
  if (scheme.size() != kScheme.size()) return false;
  for (size_t i = 0; i < scheme.size(); ++i) {
    if (Lower(scheme[i]) != kScheme[i]) return false;
  }
  return true;
}

}  // namespace

TokenCache::TokenCache(store::Store& store, base::Clock& clock) : store_(store), clock_(clock) {}

PrincipalPtr TokenCache::Find(std::string_view token) {
  std::string key = base::Sha256(token);
  uint64_t generation = store_.token_generation();
  auto state = state_.Lock();
  if (state->generation != generation) return nullptr;
  auto found = state->entries.find(key);
  if (found == state->entries.end()) return nullptr;
  const Entry& entry = found->second;
  if (clock_.Mono() >= entry.until || (entry.expires_at && clock_.Now() >= *entry.expires_at)) {
    state->entries.erase(found);
    return nullptr;
  }
  return entry.principal;
}

base::Result<PrincipalPtr> TokenCache::Authenticate(std::string_view token) {
  if (auto known = Find(token)) return known;
  // Read before the token is: a change meanwhile makes the entry void instead of missing the change.
  uint64_t generation = store_.token_generation();
  RB_ASSIGN(auto principal, store_.Authenticate(base::Secret(std::string(token))));
  RB_ASSIGN(auto row, store_.Get<store::Token>(base::Principal::System(), principal.token));
  Entry entry{std::make_shared<const base::Principal>(std::move(principal)), clock_.Mono() + kMaxAge, row.expires_at};
  auto answer = entry.principal;
  Remember(base::Sha256(token), std::move(entry), generation);
  return answer;
}

void TokenCache::Remember(std::string key, Entry entry, uint64_t generation) {
  auto state = state_.Lock();
  if (state->generation != generation || state->entries.size() >= kMaxEntries) state->entries.clear();
  state->generation = generation;
  state->entries.insert_or_assign(std::move(key), std::move(entry));
}

std::string_view BearerToken(const net::Request& request) {
  auto header = request.Header("authorization");
  if (!header || header->size() < 7 || header->size() > kMaxTokenBytes || !IsBearer(header->substr(0, 7))) return {};
  auto token = header->substr(7);
  token.remove_prefix(std::min(token.find_first_not_of(' '), token.size()));
  return token;
}

}  // namespace serve
