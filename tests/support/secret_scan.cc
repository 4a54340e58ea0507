#include "support/secret_scan.h"

#include <algorithm>
#include <cctype>
#include <cstdio>

#include "base/hex.h"
#include "base/json.h"

namespace testing_support {
namespace {

std::string Upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

// The part of base64(anything + secret + anything) that depends on the secret alone, when `skip` bytes stand before it.
std::string Base64At(std::string_view secret, size_t skip) {
  const std::string padded = std::string(skip, '\0') + std::string(secret);
  const std::string encoded = base::FormatBase64(padded.substr(0, padded.size() / 3 * 3));
  constexpr size_t kFirstWhole[] = {0, 2, 3};
  return encoded.substr(kFirstWhole[skip]);
}

std::string UrlSafe(std::string text) {
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return text;
}

std::string PercentEncoded(std::string_view secret) {
  std::string out;
  for (unsigned char c : secret) {
    if (std::isalnum(c)) {
      out += static_cast<char>(c);
    } else {
      char escaped[4];
      std::snprintf(escaped, sizeof escaped, "%%%02X", c);
      out += escaped;
    }
  }
  return out;
}

}  // namespace

std::vector<SecretForm> FormsOf(std::string_view secret) {
  std::vector<SecretForm> forms;
  const auto add = [&](std::string name, std::string text) {
    constexpr size_t kTooShortToMean = 6;
    if (text.size() >= kTooShortToMean) forms.push_back({std::move(name), std::move(text)});
  };
  add("plain", std::string(secret));
  add("hex", base::FormatHex(secret));
  add("upper-case hex", Upper(base::FormatHex(secret)));
  for (size_t skip = 0; skip < 3; ++skip) {
    add("base64", Base64At(secret, skip));
    add("url-safe base64", UrlSafe(Base64At(secret, skip)));
  }
  std::string json;
  base::AppendJsonString(json, secret);
  add("JSON-escaped", json.substr(1, json.size() - 2));
  add("percent-encoded", PercentEncoded(secret));
  return forms;
}

std::optional<std::string> FindSecret(std::string_view bytes, std::string_view secret) {
  for (const SecretForm& form : FormsOf(secret)) {
    if (bytes.find(form.text) != std::string_view::npos) return form.name;
  }
  return std::nullopt;
}

}  // namespace testing_support
