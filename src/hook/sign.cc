#include <chrono>

#include "base/crypto.h"
#include "base/hex.h"
#include "base/time_text.h"
#include "hook/hook.h"
#include "hook/scheme.h"

namespace hook {

std::string ScalrMac(std::string_view key, std::string_view body, std::string_view date) {
  return base::Hmac(base::Digest::kSha256, key, {body, date});
}

std::string StandardMac(std::string_view key, std::string_view id, std::string_view timestamp, std::string_view body) {
  return base::Hmac(base::Digest::kSha256, key, {id, ".", timestamp, ".", body});
}

std::string StandardWebhooksKey(const base::Secret& secret) {
  std::string_view text = secret.Reveal();
  if (text.starts_with(kWhsecPrefix)) {
    auto key = base::ParseBase64(text.substr(kWhsecPrefix.size()));
    if (key && !key->empty()) return *std::move(key);
  }
  return secret.Reveal();
}

base::Secret FormatWhsec(const base::Secret& secret) {
  return base::Secret(std::string(kWhsecPrefix) + base::FormatBase64(StandardWebhooksKey(secret)));
}

base::Secret MakeSecret(base::Random& random) { return base::Secret(random.Alphanumeric(32)); }

Signatures Sign(const SigningKeys& keys, std::string_view delivery_id, base::WallTime now, std::string_view body) {
  auto standard = [&](const base::Secret& secret, std::string_view timestamp) {
    base::Secret key(StandardWebhooksKey(secret));
    return "v1," + base::FormatBase64(StandardMac(key.Reveal(), delivery_id, timestamp, body));
  };
  Signatures out;
  out.date = base::FormatDateHeader(now);
  const base::Secret& scalr_key = keys.previous ? *keys.previous : keys.current;
  out.x_signature = base::FormatHex(ScalrMac(scalr_key.Reveal(), body, out.date));
  out.webhook_timestamp = std::to_string(std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count());
  out.webhook_signature = standard(keys.current, out.webhook_timestamp);
  if (keys.previous) out.webhook_signature += ' ' + standard(*keys.previous, out.webhook_timestamp);
  return out;
}

}  // namespace hook
