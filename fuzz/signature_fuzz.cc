// Header lines from a stranger, then an empty line and a body.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "hook/hook.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  constexpr base::Micros kAnyTime{0};
  size_t end = input.find("\n\n");
  std::string_view lines = input.substr(0, end);
  std::string_view body = end == std::string_view::npos ? std::string_view() : input.substr(end + 2);

  // Nobody can sign with a secret they do not know.
  const std::vector<base::Secret> unknown = {base::Secret("never written into a corpus")};
  RB_CHECK(hook::VerifyScalr(unknown, lines, body, {}, kAnyTime).verdict != hook::Verdict::kValid);
  RB_CHECK(hook::VerifyStandardWebhooks(unknown, lines, body, {}, kAnyTime).verdict != hook::Verdict::kValid);

  // Known ones get further; what we sign ourselves is always good, and stays refused with a stranger's line added.
  const std::vector<base::Secret> known = {base::Secret("auphee1ieshaeQu8"), base::Secret(std::string(body))};
  (void)hook::VerifyScalr(known, lines, body, {}, kAnyTime);
  (void)hook::VerifyStandardWebhooks(known, lines, body, {}, kAnyTime);
  hook::Signatures s = hook::Sign({known[0], std::nullopt}, "wd-v00000000000001", {}, body);
  std::string own = "Date: " + s.date + "\r\nX-Signature: " + s.x_signature + "\r\n";
  RB_CHECK(hook::VerifyScalr(known, own, body, {}, kAnyTime).verdict == hook::Verdict::kValid);
  RB_CHECK(hook::VerifyScalr(known, own + "date: ", body, {}, kAnyTime).verdict == hook::Verdict::kMalformedHeader);
  base::Secret whsec = hook::FormatWhsec(known[1]);
  if (!body.empty()) RB_CHECK(hook::StandardWebhooksKey(whsec) == hook::StandardWebhooksKey(known[1]));
  return 0;
}
