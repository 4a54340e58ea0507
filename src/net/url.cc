#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "net/net.h"

namespace net {

namespace {

constexpr size_t kMaxUrlBytes = 2048;
constexpr size_t kMaxHostBytes = 253;  // RFC 1035, without the trailing dot
constexpr size_t kMaxLabelBytes = 63;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsAlnum(char c) { return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string Lowered(std::string_view text) {
  std::string lowered(text);
  std::transform(lowered.begin(), lowered.end(), lowered.begin(), Lower);
  return lowered;
}

int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  c = Lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Resolvers and browsers read a host whose last label looks like a number as an IPv4 address (`127.1`, `0x7f000001`).
bool LooksNumeric(std::string_view host) {
  auto dot = host.rfind('.');
  std::string_view last = dot == std::string_view::npos ? host : host.substr(dot + 1);
  if (last.starts_with("0x")) return true;
  return !last.empty() && std::all_of(last.begin(), last.end(), IsDigit);
}

base::Result<std::string> ParseName(std::string_view text) {
  std::string host = Lowered(text);
  if (host.empty()) return base::Invalid("the URL has no host");
  if (host.size() > kMaxHostBytes) return base::Invalid("the host name is longer than 253 characters");
  if (LooksNumeric(host)) {
    auto address = ParseAddress(host);
    if (!address) return base::Invalid("a numeric host must be a dotted decimal IPv4 address");
    return host;
  }
  size_t label = 0;
  for (size_t i = 0; i <= host.size(); ++i) {
    if (i < host.size() && host[i] != '.') {
      bool legal = IsAlnum(host[i]) || host[i] == '-' || host[i] == '_';
      if (!legal) return base::Invalid("the host name may contain letters, digits, '-', '_' and '.' only");
      continue;
    }
    if (i == label) return base::Invalid("the host name has an empty label");
    if (i - label > kMaxLabelBytes) return base::Invalid("a label of the host name is longer than 63 characters");
    label = i + 1;
  }
  return host;
}

base::Result<uint16_t> ParsePort(std::string_view text) {
  unsigned port = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || text.size() > 5 || port < 1 || port > 65535) return base::Invalid("the port must be 1 to 65535");
  return static_cast<uint16_t>(port);
}

// "host", "host:port", "[v6]", "[v6]:port"
base::Status ParseAuthority(std::string_view text, Url& url) {
  std::string_view port;
  bool has_port = false;
  if (text.starts_with('[')) {
    auto close = text.find(']');
    if (close == std::string_view::npos) return base::Invalid("the '[' of the host is not closed");
    auto address = ParseAddress(text.substr(1, close - 1));
    if (!address || !address->v6) return base::Invalid("the host in brackets is not an IPv6 address");
    url.host = address->Text();
    text.remove_prefix(close + 1);
    has_port = !text.empty();
    if (has_port && text[0] != ':') return base::Invalid("only a port may follow the host");
    if (has_port) port = text.substr(1);
  } else {
    auto colon = text.find(':');
    has_port = colon != std::string_view::npos;
    if (has_port) port = text.substr(colon + 1);
    RB_ASSIGN(url.host, ParseName(text.substr(0, colon)));
  }
  if (has_port) {
    RB_ASSIGN(url.port, ParsePort(port));
  }
  return {};
}

}  // namespace

base::Result<Url> ParseUrl(std::string_view text) {
  if (text.size() > kMaxUrlBytes) return base::Invalid("the URL is longer than 2048 bytes");
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7f) return base::Invalid("the URL contains a space or control character");
    if (byte > 0x7f)
      return base::Invalid("the URL contains a character that must be percent-encoded (or xn-- in a host)");
    if (c == '\\') return base::Invalid("the URL contains a backslash");
  }
  Url url;
  std::string scheme = Lowered(text.substr(0, text.find('/')));
  url.tls = scheme == "https:";
  if ((!url.tls && scheme != "http:") || !text.substr(scheme.size()).starts_with("//")) {
    return base::Invalid("the URL must begin with http:// or https://");
  }
  url.port = url.tls ? 443 : 80;
  text.remove_prefix(scheme.size() + 2);

  if (auto hash = text.find('#'); hash != std::string_view::npos) {
    if (hash + 1 < text.size()) return base::Invalid("the URL has a fragment, which is never sent");
    text.remove_suffix(1);
  }
  auto end = text.find_first_of("/?");
  std::string_view authority = text.substr(0, end);
  if (authority.find('@') != std::string_view::npos)
    return base::Invalid("the URL must not contain a user or password");
  RB_TRY(ParseAuthority(authority, url));
  std::string_view rest = end == std::string_view::npos ? std::string_view() : text.substr(end);
  url.target = rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);
  return url;
}

namespace {

std::string Bracketed(const std::string& host) { return host.find(':') == std::string::npos ? host : "[" + host + "]"; }

}  // namespace

std::string Url::HostHeader() const {
  if (port == (tls ? 443 : 80)) return Bracketed(host);
  return HostKey();
}

std::string Url::HostKey() const { return Bracketed(host) + ":" + std::to_string(port); }

std::string Url::Redacted() const {
  return (tls ? "https://" : "http://") + HostHeader() + target.substr(0, target.find('?'));
}

std::optional<std::string_view> FindHeader(std::string_view header_lines, std::string_view name) {
  while (!header_lines.empty()) {
    auto end = header_lines.find("\r\n");
    std::string_view line = header_lines.substr(0, end);
    header_lines = end == std::string_view::npos ? std::string_view() : header_lines.substr(end + 2);
    if (line.size() <= name.size() || line[name.size()] != ':') continue;
    bool same = std::equal(name.begin(), name.end(), line.begin(), [](char a, char b) { return Lower(a) == Lower(b); });
    if (!same) continue;
    line.remove_prefix(name.size() + 1);
    while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
    return line;
  }
  return std::nullopt;
}

std::optional<std::string> DecodePercent(std::string_view text, bool plus_is_space) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      int high = HexValue(text[i + 1]), low = HexValue(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (c == '\0') return std::nullopt;
    decoded += c;
  }
  return decoded;
}

std::string EncodePercent(std::string_view text) {
  constexpr char kHex[] = "0123456789ABCDEF";
  std::string encoded;
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (IsAlnum(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      encoded += c;
    } else {
      encoded += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return encoded;
}

}  // namespace net
