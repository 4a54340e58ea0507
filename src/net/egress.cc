#include <algorithm>
#include <charconv>
#include <cstring>
#include <initializer_list>
#include <string>

#include "net/net.h"

namespace net {

namespace {

struct Range {
  const char* base;
  int bits;
  Refusal refusal;
};

// IANA's special-purpose registries (RFC 6890 and later), IPv4. The first match counts.
constexpr Range kRangesV4[] = {
    {"0.0.0.0", 32, Refusal::kUnspecified},   {"0.0.0.0", 8, Refusal::kReserved},
    {"10.0.0.0", 8, Refusal::kPrivate},       {"100.64.0.0", 10, Refusal::kPrivate},
    {"127.0.0.0", 8, Refusal::kLoopback},     {"169.254.0.0", 16, Refusal::kLinkLocal},
    {"172.16.0.0", 12, Refusal::kPrivate},    {"192.0.0.0", 24, Refusal::kReserved},
    {"192.0.2.0", 24, Refusal::kReserved},    {"192.88.99.0", 24, Refusal::kReserved},
    {"192.168.0.0", 16, Refusal::kPrivate},   {"198.18.0.0", 15, Refusal::kReserved},
    {"198.51.100.0", 24, Refusal::kReserved}, {"203.0.113.0", 24, Refusal::kReserved},
    {"224.0.0.0", 4, Refusal::kMulticast},    {"240.0.0.0", 4, Refusal::kReserved},
};

// IPv6. Only 2000::/3 is given out for the open network; what lies outside and is not named here is reserved.
constexpr Range kRangesV6[] = {
    {"::", 128, Refusal::kUnspecified}, {"::1", 128, Refusal::kLoopback},       {"fe80::", 10, Refusal::kLinkLocal},
    {"fec0::", 10, Refusal::kPrivate},  {"fc00::", 7, Refusal::kPrivate},       {"ff00::", 8, Refusal::kMulticast},
    {"2001::", 23, Refusal::kReserved}, {"2001:db8::", 32, Refusal::kReserved}, {"2002::", 16, Refusal::kReserved},
    {"3ffe::", 16, Refusal::kReserved}, {"3fff::", 20, Refusal::kReserved},
};

// Where clouds hand out credentials and machine configuration. Some lie in ranges that an operator may well allow.
constexpr const char* kMetadata[] = {
    "169.254.169.254", "169.254.170.2", "169.254.170.23",     "169.254.0.23",    "169.254.42.42",
    "100.100.100.200", "192.0.0.192",   "168.63.129.16",      "fd00:ec2::254",   "fd00:ec2::23",
    "fd20:ce::254",    "fd00:42::42",   "fd00:c1::a9fe:a9fe", "fe80::a9fe:a9fe",
};

bool Covers(const Address& base, int bits, const Address& address) {
  if (base.v6 != address.v6) return false;
  int whole = bits / 8;
  if (std::memcmp(base.bytes.data(), address.bytes.data(), static_cast<size_t>(whole)) != 0) return false;
  int rest = bits % 8;
  if (rest == 0) return true;
  auto mask = static_cast<uint8_t>(0xff << (8 - rest));
  auto at = static_cast<size_t>(whole);
  return (base.bytes[at] & mask) == (address.bytes[at] & mask);
}

// The tables as addresses, read once.
class Table {
 public:
  Table() {
    for (const Range& range : kRangesV4) Add(range);
    for (const Range& range : kRangesV6) Add(range);
    for (const char* text : kMetadata) metadata_.push_back(*ParseAddress(text));
  }

  bool IsMetadata(const Address& address) const {
    return std::find(metadata_.begin(), metadata_.end(), address) != metadata_.end();
  }

  Refusal Classify(const Address& address) const {
    for (const Row& row : rows_) {
      if (Covers(row.base, row.bits, address)) return row.refusal;
    }
    bool open = !address.v6 || (address.bytes[0] & 0xe0) == 0x20;
    return open ? Refusal::kNone : Refusal::kReserved;
  }

 private:
  struct Row {
    Address base;
    int bits;
    Refusal refusal;
  };
  void Add(const Range& range) { rows_.push_back({*ParseAddress(range.base), range.bits, range.refusal}); }
  std::vector<Row> rows_;
  std::vector<Address> metadata_;
};

const Table& Ranges() {
  static const Table kTable;
  return kTable;
}

Address V4(const Address& carrier, std::initializer_list<size_t> at, uint8_t flip = 0) {
  Address inner;
  size_t i = 0;
  for (size_t from : at) inner.bytes[i++] = carrier.bytes[from] ^ flip;
  return inner;
}

bool HasPrefix(const Address& address, const char* prefix, int bits) {
  return Covers(*ParseAddress(prefix), bits, address);
}

// The IPv4 addresses that an IPv6 address stands for, or could stand for.
std::vector<Address> Carried(const Address& address) {
  if (!address.v6) return {};
  std::vector<Address> inner;
  const auto& b = address.bytes;
  if ((HasPrefix(address, "::", 64) && !HasPrefix(address, "::", 120)) || HasPrefix(address, "64:ff9b::", 96)) {
    inner.push_back(V4(address, {12, 13, 14, 15}));  // mapped, translated, compatible; NAT64
  }
  if (HasPrefix(address, "64:ff9b:1::", 48)) {  // local NAT64, RFC 8215: a prefix of 48 or of 96 bits, RFC 6052
    for (const Address& form : {V4(address, {6, 7, 9, 10}), V4(address, {12, 13, 14, 15})}) {
      if (form.bytes[0] != 0) inner.push_back(form);
    }
  }
  if (HasPrefix(address, "2002::", 16)) inner.push_back(V4(address, {2, 3, 4, 5}));  // 6to4
  if (HasPrefix(address, "2001::", 32)) {                                            // Teredo: server, hidden client
    inner.push_back(V4(address, {4, 5, 6, 7}));
    inner.push_back(V4(address, {12, 13, 14, 15}, 0xff));
  }
  bool isatap = (b[8] & 0xfd) == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe;
  if (isatap) inner.push_back(V4(address, {12, 13, 14, 15}));
  return inner;
}

bool IsMapped(const Address& address) { return address.v6 && HasPrefix(address, "::ffff:0:0", 96); }

}  // namespace

std::string_view Name(Refusal refusal) {
  switch (refusal) {
    case Refusal::kNone: return "none";
    case Refusal::kPrivate: return "private";
    case Refusal::kLoopback: return "loopback";
    case Refusal::kLinkLocal: return "link_local";
    case Refusal::kMetadata: return "metadata";
    case Refusal::kMulticast: return "multicast";
    case Refusal::kReserved: return "reserved";
    case Refusal::kUnspecified: return "unspecified";
  }
  return "none";
}

namespace {

struct RuleText {
  std::string range;  // address[/length]
  std::string port;   // with its colon; empty when none was given
};

// A port after an IPv6 range needs brackets, which may close before or after the length.
std::optional<RuleText> SplitRule(std::string_view rule) {
  if (!rule.starts_with('[')) {
    bool has_port = std::count(rule.begin(), rule.end(), ':') == 1;
    auto colon = has_port ? rule.find(':') : rule.size();
    return RuleText{std::string(rule.substr(0, colon)), std::string(rule.substr(colon))};
  }
  auto close = rule.find(']');
  if (close == std::string_view::npos) return std::nullopt;
  std::string_view after = rule.substr(close + 1);
  if (!after.empty() && after[0] != '/' && after[0] != ':') return std::nullopt;
  auto colon = std::min(after.find(':'), after.size());
  return RuleText{std::string(rule.substr(1, close - 1)).append(after.substr(0, colon)),
                  std::string(after.substr(colon))};
}

std::optional<int> Number(std::string_view text, int low, int high) {
  int value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  bool legal = error == std::errc() && end == text.data() + text.size() && value >= low && value <= high;
  return legal ? std::optional<int>(value) : std::nullopt;
}

}  // namespace

base::Status Egress::Allow(std::string_view rule) {
  auto bad = [&](const char* why) {
    return base::Invalid("\"" + std::string(rule) + "\" is not a range to allow: " + why);
  };
  auto text = SplitRule(rule);
  if (!text) return bad("its brackets do not match");
  std::string_view range = text->range;
  auto slash = range.find('/');
  auto base = ParseAddress(range.substr(0, slash));
  if (!base) return bad("expected an IP address, then /LENGTH, then :PORT");
  const int most = base->v6 ? 128 : 32;
  auto bits = slash == std::string_view::npos ? most : Number(range.substr(slash + 1), 0, most);
  if (!bits) return bad("the length does not fit this kind of address");
  auto port = text->port.empty() ? 0 : Number(std::string_view(text->port).substr(1), 1, 65535);
  if (!port) return bad("the port must be 1 to 65535");
  allowed_.push_back({*base, *bits, static_cast<uint16_t>(*port)});
  return {};
}

Refusal Egress::Judge(const Address& address, uint16_t port) const {
  const std::vector<Address> carried = Carried(address);
  if (Ranges().IsMetadata(address)) return Refusal::kMetadata;
  for (const Address& inner : carried) {
    if (Ranges().IsMetadata(inner)) return Refusal::kMetadata;
  }
  auto judge_one = [&](const Address& one) {
    Refusal refusal = Ranges().Classify(one);
    if (refusal == Refusal::kNone) return refusal;
    for (const Rule& rule : allowed_) {
      if ((rule.port == 0 || rule.port == port) && Covers(rule.base, rule.bits, one)) return Refusal::kNone;
    }
    return refusal;
  };
  // What is carried is named first: "loopback" says more than "reserved". A mapped address is its IPv4 address.
  for (const Address& inner : carried) {
    if (Refusal refusal = judge_one(inner); refusal != Refusal::kNone) return refusal;
  }
  return IsMapped(address) ? Refusal::kNone : judge_one(address);
}

}  // namespace net
