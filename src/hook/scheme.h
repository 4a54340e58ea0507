// The two signature schemes as sender and receiver share them.
#pragma once

#include <string>
#include <string_view>

namespace hook {

inline constexpr std::string_view kWhsecPrefix = "whsec_";
inline constexpr size_t kMacBytes = 32;

// Raw bytes. Scalr's scheme has no separator between body and date, so bytes could move between them under one
// signature: whoever verifies must accept a date in its one canonical form only.
std::string ScalrMac(std::string_view key, std::string_view body, std::string_view date);
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, "Signature scheme". The
// full stops separate only as long as `id` and `timestamp` contain none.
std::string StandardMac(std::string_view key, std::string_view id, std::string_view timestamp, std::string_view body);

}  // namespace hook
