#include "store/bodies.h"

#include <cstdint>
#include <cstring>

#include "store/pack.h"

namespace store {

using base::Code;
using base::Error;
using base::Result;

// Four bytes that say how long the head is, then head and tail as one packed text.
std::string PackBody(const hook::Payload& payload) {
  const auto head_bytes = static_cast<uint32_t>(payload.head.size());
  std::string bytes(reinterpret_cast<const char*>(&head_bytes), sizeof head_bytes);
  return bytes + Pack(PackKind::kPayload, payload.head + payload.tail);
}

Result<std::string> UnpackBody(std::string_view packed, base::WebhookId webhook, std::string_view webhook_name) {
  uint32_t head_bytes = 0;
  if (packed.size() < sizeof head_bytes) return Error(Code::kCorrupt, "stored body is damaged");
  std::memcpy(&head_bytes, packed.data(), sizeof head_bytes);
  RB_ASSIGN(std::string body, Unpack(PackKind::kPayload, packed.substr(sizeof head_bytes)));
  if (head_bytes > body.size()) return Error(Code::kCorrupt, "stored body is damaged");
  body.insert(head_bytes, hook::RenderWebhookPart(webhook, webhook_name));
  return body;
}

}  // namespace store
