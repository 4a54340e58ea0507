// URLs, addresses, egress rules and percent-encoding.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/log.h"
#include "net/net.h"

namespace {

bool IsPlain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > 0x20 && c != 0x7f; });
}

void TryUrl(std::string_view input) {
  auto url = net::ParseUrl(input);
  if (!url) return;
  RB_CHECK(IsPlain(url->HostHeader()) && IsPlain(url->target) && url->target.starts_with('/') && url->port != 0);
  RB_CHECK(url->HostHeader().find('@') == std::string::npos);
  auto again = net::ParseUrl((url->tls ? "https://" : "http://") + url->HostHeader() + url->target);
  RB_CHECK(again.has_value());
  RB_CHECK(again->tls == url->tls && again->host == url->host && again->port == url->port);
  RB_CHECK(again->target == url->target && url->Redacted().find('?') == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  TryUrl(input);
  if (auto address = net::ParseAddress(input)) {
    RB_CHECK(net::ParseAddress(address->Text()) == *address);
    net::Egress closed, open;
    RB_CHECK(open.Allow("0.0.0.0/0").has_value() && open.Allow("::/0").has_value());
    // What is refused with everything allowed is refused in any case.
    if (open.Judge(*address, 80) != net::Refusal::kNone) RB_CHECK(closed.Judge(*address, 80) != net::Refusal::kNone);
  }
  net::Egress egress;
  (void)egress.Allow(input);
  RB_CHECK(net::DecodePercent(net::EncodePercent(input), false).has_value() == (input.find('\0') == input.npos));
  if (auto text = net::DecodePercent(input, true)) RB_CHECK(text->find('\0') == std::string::npos);
  return 0;
}
