// The egress guard over every spelling and carrier of an address. Random parts come from a seeded generator, so a
// failure repeats.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "base/random.h"
#include "net/net.h"

namespace net {
namespace {

Address At(const std::string& text) {
  auto address = ParseAddress(text);
  EXPECT_TRUE(address) << text;
  return address.value_or(Address{});
}

// Each way in which an IPv6 address can carry an IPv4 one, what is free in it filled at random.
struct Carrier {
  const char* name;
  Address (*wrap)(const Address& inner, base::Random& random);
};

Address Tail(const char* prefix, const Address& inner) {
  Address address = *ParseAddress(prefix);
  std::copy_n(inner.bytes.begin(), 4, address.bytes.begin() + 12);
  return address;
}

const Carrier kCarriers[] = {
    {"mapped", [](const Address& v4, base::Random&) { return Tail("::ffff:0:0", v4); }},
    {"translated", [](const Address& v4, base::Random&) { return Tail("::ffff:0:0:0", v4); }},
    {"compatible", [](const Address& v4, base::Random&) { return Tail("::", v4); }},
    {"NAT64", [](const Address& v4, base::Random&) { return Tail("64:ff9b::", v4); }},
    {"local NAT64, 96 bits",
     [](const Address& v4, base::Random& random) {
       Address address = Tail("64:ff9b:1::", v4);
       random.Fill(&address.bytes[6], 2);
       return address;
     }},
    {"local NAT64, 48 bits",
     [](const Address& v4, base::Random& random) {
       Address address = *ParseAddress("64:ff9b:1::");
       address.bytes[6] = v4.bytes[0];
       address.bytes[7] = v4.bytes[1];
       address.bytes[9] = v4.bytes[2];
       address.bytes[10] = v4.bytes[3];
       random.Fill(&address.bytes[11], 5);
       return address;
     }},
    {"6to4",
     [](const Address& v4, base::Random& random) {
       Address address = *ParseAddress("2002::");
       std::copy_n(v4.bytes.begin(), 4, address.bytes.begin() + 2);
       random.Fill(&address.bytes[6], 10);
       return address;
     }},
    {"Teredo client",
     [](const Address& v4, base::Random& random) {
       Address address = *ParseAddress("2001::");
       random.Fill(&address.bytes[4], 8);
       for (size_t i = 0; i < 4; ++i) address.bytes[12 + i] = v4.bytes[i] ^ 0xff;
       return address;
     }},
    {"Teredo server",
     [](const Address& v4, base::Random& random) {
       Address address = *ParseAddress("2001::");
       std::copy_n(v4.bytes.begin(), 4, address.bytes.begin() + 4);
       random.Fill(&address.bytes[8], 8);
       return address;
     }},
    {"ISATAP",
     [](const Address& v4, base::Random& random) {
       Address address = Tail("2a00:1450::5efe:0:0", v4);
       random.Fill(&address.bytes[4], 4);
       address.bytes[8] = static_cast<uint8_t>(random.Next() & 2);
       return address;
     }},
};

struct Block {
  const char* base;
  int bits;
  Refusal refusal;
};

const Block kClosedV4[] = {
    {"10.0.0.0", 8, Refusal::kPrivate},      {"172.16.0.0", 12, Refusal::kPrivate},
    {"192.168.0.0", 16, Refusal::kPrivate},  {"100.64.0.0", 10, Refusal::kPrivate},
    {"127.0.0.0", 8, Refusal::kLoopback},    {"169.254.0.0", 16, Refusal::kLinkLocal},
    {"192.0.0.0", 24, Refusal::kReserved},   {"192.0.2.0", 24, Refusal::kReserved},
    {"198.18.0.0", 15, Refusal::kReserved},  {"198.51.100.0", 24, Refusal::kReserved},
    {"203.0.113.0", 24, Refusal::kReserved}, {"192.88.99.0", 24, Refusal::kReserved},
    {"224.0.0.0", 4, Refusal::kMulticast},   {"240.0.0.0", 4, Refusal::kReserved},
};

Address RandomIn(const char* base, int bits, base::Random& random) {
  Address address = *ParseAddress(base);
  size_t size = address.v6 ? 16 : 4;
  for (size_t i = 0; i < size; ++i) {
    int fixed = std::clamp(bits - static_cast<int>(i) * 8, 0, 8);
    auto free = static_cast<uint8_t>(0xff >> fixed);
    address.bytes[i] |= static_cast<uint8_t>(random.Next() & free);
  }
  return address;
}

TEST(Egress, ClosedRangesAreRefusedPlainAndInEveryCarrier) {
  auto random = base::MakeSeededRandom(1);
  Egress egress;
  for (const Block& block : kClosedV4) {
    for (int i = 0; i < 200; ++i) {
      Address plain = RandomIn(block.base, block.bits, *random);
      Refusal refusal = egress.Judge(plain, 443);
      EXPECT_TRUE(refusal == block.refusal || refusal == Refusal::kMetadata) << plain.Text();
      for (const Carrier& carrier : kCarriers) {
        Address carried = carrier.wrap(plain, *random);
        EXPECT_NE(egress.Judge(carried, 443), Refusal::kNone) << carrier.name << " " << carried.Text();
      }
    }
  }
}

TEST(Egress, ClosedRangesOfIPv6AreRefused) {
  auto random = base::MakeSeededRandom(2);
  const Block closed[] = {
      {"::", 128, Refusal::kUnspecified}, {"::1", 128, Refusal::kLoopback},
      {"fc00::", 7, Refusal::kPrivate},   {"fe80::", 10, Refusal::kLinkLocal},
      {"fec0::", 10, Refusal::kPrivate},  {"ff00::", 8, Refusal::kMulticast},
      {"100::", 64, Refusal::kReserved},  {"2001:db8::", 32, Refusal::kReserved},
      {"3fff::", 20, Refusal::kReserved}, {"5f00::", 16, Refusal::kReserved},
      {"4000::", 3, Refusal::kReserved},  {"2001:10::", 28, Refusal::kReserved},
  };
  Egress egress;
  for (const Block& block : closed) {
    for (int i = 0; i < 200; ++i) {
      Address address = RandomIn(block.base, block.bits, *random);
      EXPECT_NE(egress.Judge(address, 443), Refusal::kNone) << address.Text();
    }
    EXPECT_EQ(egress.Judge(At(block.base), 443), block.refusal) << block.base;
  }
}

TEST(Egress, OpenAddressesPass) {
  Egress egress;
  for (const char* text : {"1.1.1.1", "8.8.8.8", "93.184.216.34", "172.15.255.255", "172.32.0.0", "100.63.255.255",
                           "100.128.0.0", "192.0.1.0", "11.0.0.0", "126.255.255.255", "128.0.0.0", "223.255.255.255",
                           "2606:4700:4700::1111", "2a00:1450:4001:82a::200e", "2001:4860:4860::8888"}) {
    EXPECT_EQ(egress.Judge(At(text), 443), Refusal::kNone) << text;
  }
  EXPECT_EQ(egress.Judge(At("::ffff:8.8.8.8"), 443), Refusal::kNone) << "is 8.8.8.8 to the network";
}

TEST(Egress, MetadataIsRefusedWhateverIsAllowed) {
  auto random = base::MakeSeededRandom(3);
  Egress open;
  for (const char* rule : {"0.0.0.0/0", "::/0", "169.254.0.0/16", "169.254.169.254", "[fd00:ec2::254]:80"}) {
    ASSERT_TRUE(open.Allow(rule)) << rule;
  }
  ASSERT_EQ(open.Judge(At("10.1.2.3"), 80), Refusal::kNone);
  for (const char* text :
       {"169.254.169.254", "169.254.170.2", "100.100.100.200", "192.0.0.192", "168.63.129.16", "169.254.42.42"}) {
    EXPECT_EQ(open.Judge(At(text), 80), Refusal::kMetadata) << text;
    for (const Carrier& carrier : kCarriers) {
      for (int i = 0; i < 20; ++i) {
        Address carried = carrier.wrap(At(text), *random);
        EXPECT_EQ(open.Judge(carried, 80), Refusal::kMetadata) << carrier.name << " " << carried.Text();
      }
    }
  }
  for (const char* text : {"fd00:ec2::254", "fd20:ce::254", "fd00:42::42", "fd00:c1::a9fe:a9fe"}) {
    EXPECT_EQ(open.Judge(At(text), 80), Refusal::kMetadata) << text;
  }
}

TEST(Egress, OpensWhatItIsToldTo) {
  struct Row {
    const char* rule;
    const char* address;
    uint16_t port;
    bool passes;
  };
  const Row rows[] = {
      {"10.0.0.0/8", "10.255.0.1", 1, true},
      {"10.0.0.0/8", "11.0.0.1", 1, true},  // was never closed
      {"10.0.0.0/8", "192.168.0.1", 1, false},
      {"10.1.2.3/8", "10.9.9.9", 1, true},
      {"10.0.0.0/8:443", "10.0.0.1", 443, true},
      {"10.0.0.0/8:443", "10.0.0.1", 80, false},
      {"127.0.0.1", "127.0.0.1", 80, true},
      {"127.0.0.1", "127.0.0.2", 80, false},
      {"127.0.0.1:9000", "127.0.0.1", 9000, true},
      {"127.0.0.1:9000", "::ffff:127.0.0.1", 9000, true},
      {"127.0.0.1/32:9000", "127.0.0.1", 9001, false},
      {"172.16.0.0/13", "172.24.0.0", 80, false},
      {"0.0.0.0/0", "::1", 80, false},
      {"::1", "::1", 80, true},
      {"fd00::/8", "fd12::1", 80, true},
      {"[fd00::/8]:443", "fd12::1", 443, true},
      {"[fd00::]/8:443", "fd12::1", 80, false},
      {"64:ff9b::/96", "64:ff9b::8.8.8.8", 80, true},
      {"64:ff9b::/96", "64:ff9b::10.0.0.1", 80, false},  // what it carries is still closed
      {"10.0.0.0/8", "64:ff9b::10.0.0.1", 80, false},
  };
  for (const Row& row : rows) {
    Egress egress;
    ASSERT_TRUE(egress.Allow(row.rule)) << row.rule;
    EXPECT_EQ(egress.Judge(At(row.address), row.port) == Refusal::kNone, row.passes)
        << row.rule << " " << row.address << " " << row.port;
  }
}

TEST(Egress, RefusesRulesThatAreNotRanges) {
  Egress egress;
  for (const char* rule :
       {"", "10", "10.0.0/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.0/8:", "10.0.0.0/8:0",
        "10.0.0.0/8:65536", "10.0.0.0/8:http", "fd00::/129", "[fd00::/8", "[fd00::/8]443", "[fd00::/8]x:443",
        "fd00::/8]:443", "localhost", "*", "10.0.0.0/8 "}) {
    auto status = egress.Allow(rule);
    ASSERT_FALSE(status) << rule;
    EXPECT_EQ(status.error().code, base::Code::kInvalid);
  }
}

}  // namespace
}  // namespace net
