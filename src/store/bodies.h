// Bodies as they are stored: head and tail of an event's payload, packed; what lies between is the delivery's own.
#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"
#include "hook/hook.h"

namespace store {

std::string PackBody(const hook::Payload& payload);
base::Result<std::string> UnpackBody(std::string_view packed, base::WebhookId webhook, std::string_view webhook_name);

}  // namespace store
