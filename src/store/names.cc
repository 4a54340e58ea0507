#include <array>

#include "store/rows.h"

namespace store {

std::string_view Name(EndpointState state) {
  constexpr std::array<std::string_view, 3> kNames = {"active", "paused", "disabled"};
  return kNames[static_cast<size_t>(state)];
}

std::string_view Name(NotFired reason) {
  constexpr std::array<std::string_view, 4> kNames = {"", "webhook_disabled", "event_not_selected",
                                                      "endpoint_disabled"};
  return kNames[static_cast<size_t>(reason)];
}

std::string_view Name(DeliveryStatus status) {
  constexpr std::array<std::string_view, 3> kNames = {"pending", "completed", "failed"};
  return kNames[static_cast<size_t>(status)];
}

}  // namespace store
