#include <arpa/inet.h>

#include <cstring>
#include <string>

#include "net/net.h"

namespace net {

std::string Address::Text() const {
  char text[INET6_ADDRSTRLEN];
  inet_ntop(v6 ? AF_INET6 : AF_INET, bytes.data(), text, sizeof text);
  return text;
}

std::optional<Address> ParseAddress(std::string_view text) {
  // inet_pton is strict about everything but what follows a NUL.
  if (text.empty() || text.size() >= INET6_ADDRSTRLEN || text.find('\0') != std::string_view::npos) return std::nullopt;
  char copy[INET6_ADDRSTRLEN] = {};
  std::memcpy(copy, text.data(), text.size());
  Address address;
  address.v6 = text.find(':') != std::string_view::npos;
  if (inet_pton(address.v6 ? AF_INET6 : AF_INET, copy, address.bytes.data()) != 1) return std::nullopt;
  return address;
}

}  // namespace net
