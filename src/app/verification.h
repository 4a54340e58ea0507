// Explains why a saved request verifies, or which part of it does not fit: body, date, key, or the signature itself.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/secret.h"

namespace app {

struct VerificationInput {
  std::string headers;  // as saved: lines, `curl -v` output, or a JSON object of names and values
  std::string body;     // the bytes of the file
  base::Secret secret;  // the text of the file
  base::WallTime now;
  base::Micros window{0};  // 0: any age is fine
};

struct Verification {
  bool valid = false;  // every scheme whose headers are there fits, and there is one
  std::string text;    // for people; never the secret, nor a signature that would be right
};
Verification ExplainVerification(const VerificationInput& input);

}  // namespace app
