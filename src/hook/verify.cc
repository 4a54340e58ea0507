// Verification of both schemes: find the headers, refuse what is not in canonical form, compare, and only then look at
// the time, so that "too old" is said of authentic requests only. No detail repeats a header's value or a secret.
#include <charconv>
#include <optional>

#include "base/crypto.h"
#include "base/hex.h"
#include "base/time_text.h"
#include "hook/header_lines.h"
#include "hook/hook.h"
#include "hook/scheme.h"

namespace hook {
namespace {

Check Malformed(std::string_view header, std::string_view what) {
  return {Verdict::kMalformedHeader, std::string(header) + ": " + std::string(what)};
}

// Puts the value of the one line with this name into `value`. Of two lines with one name a proxy or a framework may
// show another one than the one that was checked, so they are refused.
std::optional<Check> FindOnly(std::string_view lines, std::string_view name, std::string_view& value) {
  bool found = false;
  while (!lines.empty()) {
    HeaderLine line = TakeHeaderLine(lines);
    if (!SameHeaderName(line.name, name)) continue;
    if (found) return Malformed(name, "given more than once");
    found = true;
    value = line.value;
  }
  if (!found) return Check{Verdict::kMissingHeader, std::string(name) + ": missing"};
  if (value.empty()) return Malformed(name, "empty");
  return std::nullopt;
}

// Only the text that FormatHex writes, so that one signature has one spelling.
std::optional<std::string> DecodeHexMac(std::string_view text) {
  if (text.size() != 2 * kMacBytes) return std::nullopt;
  auto mac = base::ParseHex(text);
  if (!mac || base::FormatHex(*mac) != text) return std::nullopt;
  return mac;
}

std::optional<std::string> DecodeBase64Mac(std::string_view text) {
  auto mac = base::ParseBase64(text);
  if (!mac || mac->size() != kMacBytes || base::FormatBase64(*mac) != text) return std::nullopt;
  return mac;
}

// The canonical text only: see scheme.h.
std::optional<base::WallTime> ParseDate(std::string_view text) {
  auto time = base::ParseTime(text);
  if (!time || base::FormatDateHeader(*time) != text) return std::nullopt;
  return time;
}

std::optional<base::WallTime> ParseTimestamp(std::string_view text) {
  constexpr size_t kMaxDigits = 11;  // beyond the year 5000, far from overflowing microseconds
  int64_t seconds = 0;
  if (text.size() > kMaxDigits) return std::nullopt;
  auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (fault != std::errc() || end != text.data() + text.size() || seconds < 0 || std::to_string(seconds) != text) {
    return std::nullopt;
  }
  return base::WallTime(std::chrono::seconds(seconds));
}

Check CheckWindow(std::string_view header, base::WallTime sent, base::WallTime now, base::Micros window) {
  if (window.count() <= 0) return {};
  bool past = sent < now;
  base::Micros away = past ? now - sent : sent - now;
  if (away <= window) return {};
  std::string detail = std::string(header) + ": " + base::FormatDuration(away) + (past ? " before" : " after") +
                       " now, " + base::FormatDuration(window) + " allowed";
  return {past ? Verdict::kTooOld : Verdict::kTooNew, std::move(detail)};
}

Check Wrong(std::string_view header, const std::vector<base::Secret>& keys) {
  bool any = false;
  for (const base::Secret& key : keys) any |= !key.empty();
  std::string_view what = any ? ": does not fit the body, or another secret signed it" : ": no secret to check it with";
  return {Verdict::kWrongSignature, std::string(header).append(what)};
}

}  // namespace

std::string_view Name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kValid: return "valid";
    case Verdict::kMissingHeader: return "missing_header";
    case Verdict::kMalformedHeader: return "malformed_header";
    case Verdict::kWrongSignature: return "wrong_signature";
    case Verdict::kTooOld: return "too_old";
    case Verdict::kTooNew: return "too_new";
  }
  return "wrong_signature";
}

Check VerifyScalr(const std::vector<base::Secret>& keys, std::string_view header_lines, std::string_view body,
                  base::WallTime now, base::Micros window) {
  constexpr std::string_view kDate = "Date", kSignature = "X-Signature";
  std::string_view date, signature;
  if (auto fault = FindOnly(header_lines, kDate, date)) return *fault;
  if (auto fault = FindOnly(header_lines, kSignature, signature)) return *fault;
  auto sent = ParseDate(date);
  if (!sent) return Malformed(kDate, "not of the form 2020-11-25T00:43:38+0000");
  auto mac = DecodeHexMac(signature);
  if (!mac) return Malformed(kSignature, "not 64 lower-case hexadecimal digits");

  bool fits = false;
  for (const base::Secret& key : keys) {
    if (key.empty()) continue;
    fits |= base::ConstantTimeEqual(ScalrMac(key.Reveal(), body, date), *mac);
  }
  return fits ? CheckWindow(kDate, *sent, now, window) : Wrong(kSignature, keys);
}

Check VerifyStandardWebhooks(const std::vector<base::Secret>& keys, std::string_view header_lines,
                             std::string_view body, base::WallTime now, base::Micros window) {
  constexpr std::string_view kId = "webhook-id", kTimestamp = "webhook-timestamp", kSignature = "webhook-signature";
  std::string_view id, timestamp, signatures;
  if (auto fault = FindOnly(header_lines, kId, id)) return *fault;
  if (auto fault = FindOnly(header_lines, kTimestamp, timestamp)) return *fault;
  if (auto fault = FindOnly(header_lines, kSignature, signatures)) return *fault;
  if (id.find('.') != std::string_view::npos) return Malformed(kId, "contains a full stop");
  auto sent = ParseTimestamp(timestamp);
  if (!sent) return Malformed(kTimestamp, "not a count of seconds");

  std::vector<std::string> macs;
  while (!signatures.empty()) {
    size_t end = signatures.find(' ');
    std::string_view entry = signatures.substr(0, end);
    signatures.remove_prefix(end == std::string_view::npos ? signatures.size() : end + 1);
    constexpr std::string_view kVersion = "v1,";
    if (!entry.starts_with(kVersion)) continue;  // another scheme's; senders may offer several
    if (auto mac = DecodeBase64Mac(entry.substr(kVersion.size()))) macs.push_back(*std::move(mac));
  }
  if (macs.empty()) return Malformed(kSignature, "no entry \"v1,\" with 32 bytes in base64");

  bool fits = false;
  for (const base::Secret& secret : keys) {
    if (secret.empty()) continue;
    base::Secret key(StandardWebhooksKey(secret));
    std::string expected = StandardMac(key.Reveal(), id, timestamp, body);
    for (const std::string& mac : macs) fits |= base::ConstantTimeEqual(expected, mac);
  }
  return fits ? CheckWindow(kTimestamp, *sent, now, window) : Wrong(kSignature, keys);
}

}  // namespace hook
