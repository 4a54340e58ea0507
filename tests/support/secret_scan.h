// Looks for a secret in bytes that strangers may see, in every form in which it could slip out.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace testing_support {

// The forms of `secret` that must not be seen: itself, hexadecimal of both cases, base64 at each of the three
// alignments within a longer text, URL-safe base64, JSON-escaped, percent-encoded.
struct SecretForm {
  std::string name, text;
};
std::vector<SecretForm> FormsOf(std::string_view secret);

// The name of the first form found in `bytes`.
std::optional<std::string> FindSecret(std::string_view bytes, std::string_view secret);

}  // namespace testing_support
