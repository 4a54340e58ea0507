// Any bytes: the reader accepts or refuses them; what it accepts can be written and read again, and the writer of
// strings never makes a text that the reader refuses.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/log.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto value = base::ParseJson(text)) {
    RB_CHECK(base::IsUtf8(text));
    RB_CHECK(base::ParseJson(base::FormatJson(*value)));
    RB_CHECK(base::ParseJson(base::FormatJsonPretty(*value)));
  }
  std::string quoted;
  base::AppendJsonString(quoted, text);
  auto read = base::ParseJson(quoted);
  RB_CHECK(read && read->is_string());
  if (base::IsUtf8(text)) {
    RB_CHECK(read->get_string() == base::json::string_view(text.data(), text.size()));
  }
  return 0;
}
