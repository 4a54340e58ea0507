// Any text in every place of a payload: the body stays JSON in UTF-8, and valid text comes back unchanged.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/log.h"
#include "hook/hook.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string text(input);
  hook::Snapshot s;
  s.message = s.source = s.created_by_name = s.workspace_name = s.environment_url = s.error_summary = text;
  s.variables[text] = text;
  for (hook::PayloadForm form : {hook::PayloadForm::kUnderscore, hook::PayloadForm::kHyphen}) {
    hook::Payload payload = hook::RenderPayload(s, form);
    std::string body = payload.head + hook::RenderWebhookPart(base::WebhookId{1}, text) + payload.tail;
    auto document = base::ParseJson(body);
    RB_CHECK(document.has_value() && base::IsUtf8(body));
    if (base::IsUtf8(text)) {
      RB_CHECK(base::StringAt(*document, {"run", "message"}) == text);
      RB_CHECK(base::StringAt(*document, {"webhook", "name"}) == text);
      RB_CHECK(base::StringAt(*document, {"variables", text}) == text);
    }
  }
  return 0;
}
