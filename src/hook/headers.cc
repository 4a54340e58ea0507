#include <algorithm>
#include <array>

#include "hook/header_lines.h"
#include "hook/hook.h"

#ifndef RB_VERSION
#define RB_VERSION "0.1"
#endif

namespace hook {
namespace {

constexpr size_t kMaxNameBytes = 256, kMaxValueBytes = 4096;
constexpr std::string_view kUserAgent = "Runbell/" RB_VERSION;
constexpr std::string_view kRedacted = "(sensitive)", kHidden = "(hidden)";

// What we set ourselves, what belongs to one connection (RFC 9110 section 7.6.1), what would make a receiver read
// another body than the signed one or believe another sender, and Expect, which would make the request wait.
constexpr std::array<std::string_view, 15> kReserved = {
    "host",       "content-type", "content-length", "date",    "user-agent",        "accept-encoding",  "connection",
    "keep-alive", "te",           "trailer",        "upgrade", "transfer-encoding", "content-encoding", "forwarded",
    "expect",
};
constexpr std::array<std::string_view, 4> kReservedPrefixes = {"webhook-", "x-scalr-", "x-signature", "proxy-"};

// RFC 9110 section 5.6.2.
bool IsTokenChar(char c) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         kMarks.find(c) != std::string_view::npos;
}

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
bool HasControl(std::string_view text) { return std::any_of(text.begin(), text.end(), IsControl); }

// Servers that hand headers on as variables (CGI, WSGI) do not tell "_" from "-".
bool IsReserved(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return std::any_of(kReserved.begin(), kReserved.end(),
                     [&](std::string_view reserved) { return SameHeaderName(name, reserved); }) ||
         std::any_of(kReservedPrefixes.begin(), kReservedPrefixes.end(),
                     [&](std::string_view prefix) { return HeaderNameStartsWith(name, prefix); });
}

void AppendLine(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

template <class Replaces>
std::string ReplaceValues(std::string_view lines, std::string_view value, Replaces replaces) {
  std::string out;
  out.reserve(lines.size());
  while (!lines.empty()) {
    std::string_view before = lines;
    HeaderLine line = TakeHeaderLine(lines);
    if (replaces(line.name)) {
      AppendLine(out, line.name, value);
    } else {
      out += before.substr(0, before.size() - lines.size());
    }
  }
  return out;
}

}  // namespace

bool SoundsSecret(std::string_view header_name) {
  static constexpr std::string_view kParts[] = {"auth",     "cookie", "token",      "secret",
                                                "password", "key",    "credential", "session"};
  return std::any_of(std::begin(kParts), std::end(kParts), [&](std::string_view part) {
    for (std::string_view rest = header_name; rest.size() >= part.size(); rest.remove_prefix(1)) {
      if (HeaderNameStartsWith(rest, part)) return true;
    }
    return false;
  });
}

bool IsSensitive(const CustomHeader& header) { return header.sensitive || SoundsSecret(header.name); }

base::Status CheckHeader(const CustomHeader& header) {
  if (header.name.empty()) return base::Invalid("a header's name must not be empty");
  if (header.name.size() > kMaxNameBytes) return base::Invalid("a header's name must not be longer than 256 bytes");
  if (!std::all_of(header.name.begin(), header.name.end(), IsTokenChar)) {
    return base::Invalid("a header's name may contain letters, digits and !#$%&'*+-.^_`|~ only");
  }
  if (IsReserved(header.name)) return base::Invalid("the header " + header.name + " is set by Runbell or by HTTP");
  if (header.value.size() > kMaxValueBytes) {
    return base::Invalid("the value of the header " + header.name + " is longer than 4096 bytes");
  }
  if (HasControl(header.value)) {
    return base::Invalid("the value of the header " + header.name + " contains a control character");
  }
  return {};
}

base::Result<std::string> FormatHeaderLines(const HeaderInputs& inputs) {
  if (inputs.host_header.empty() || HasControl(inputs.host_header)) return base::Invalid("the url has no usable host");
  size_t bytes = 640;  // all of our own lines, without the host
  for (const CustomHeader& header : *inputs.custom) bytes += header.name.size() + header.value.size() + 4;
  std::string out;
  out.reserve(bytes + inputs.host_header.size());

  AppendLine(out, "Host", inputs.host_header);
  AppendLine(out, "Content-Type", "application/json");
  AppendLine(out, "Content-Length", std::to_string(inputs.body_bytes));
  AppendLine(out, "Date", inputs.signatures->date);
  AppendLine(out, "X-Scalr-Delivery-Id", inputs.delivery_id);
  AppendLine(out, "X-Signature", inputs.signatures->x_signature);
  AppendLine(out, "webhook-id", inputs.delivery_id);
  AppendLine(out, "webhook-timestamp", inputs.signatures->webhook_timestamp);
  AppendLine(out, "webhook-signature", inputs.signatures->webhook_signature);
  AppendLine(out, "User-Agent", kUserAgent);
  AppendLine(out, "Accept-Encoding", "identity");
  for (const CustomHeader& header : *inputs.custom) {
    RB_TRY(CheckHeader(header));
    AppendLine(out, header.name, header.value);
  }
  return out;
}

std::string RedactHeaderLines(std::string_view lines, const std::vector<CustomHeader>& custom) {
  return ReplaceValues(lines, kRedacted, [&](std::string_view name) {
    return std::any_of(custom.begin(), custom.end(), [&](const CustomHeader& header) {
      return SameHeaderName(header.name, name) && IsSensitive(header);
    });
  });
}

std::string HideCustomHeaderLines(std::string_view lines) {
  return ReplaceValues(lines, kHidden, [](std::string_view name) { return !IsReserved(std::string(name)); });
}

}  // namespace hook
