// The fence around OpenSSL for everything but TLS: digests, message authentication, sealing, constant-time comparison.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace base {

std::string Sha256(std::string_view bytes);  // 32 raw bytes

enum class Digest { kSha1, kSha256, kSha512 };
// HMAC over the concatenation of `parts`; raw bytes. An empty key is legal.
std::string Hmac(Digest digest, std::string_view key, std::initializer_list<std::string_view> parts);

// Compares without revealing by its time where two texts of one length differ.
bool ConstantTimeEqual(std::string_view a, std::string_view b);

// AES-256-GCM. A sealed text is 12 bytes of nonce, the ciphertext and 16 bytes of tag. `bound` is authenticated, not
// stored: opening with another one fails, so a sealed value cannot be moved to another row.
inline constexpr size_t kSealKeyBytes = 32;
std::string Seal(const Secret& key, std::string_view bound, std::string_view plain, Random& random);
Result<Secret> Unseal(const Secret& key, std::string_view bound, std::string_view sealed);  // kCorrupt

}  // namespace base
