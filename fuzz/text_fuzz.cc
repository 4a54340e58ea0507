// The small texts of base/: whatever a reader accepts, its writer gives back.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/hex.h"
#include "base/ids.h"
#include "base/log.h"
#include "base/time_text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto time = base::ParseTime(text)) {
    auto again = base::ParseTime(base::FormatIsoMillis(*time));
    // An offset can move the year 0 or 9999 out of what can be written.
    RB_CHECK(again && (text.substr(0, 4) == "0000" || text.substr(0, 4) == "9999" ||
                       *time - *again < std::chrono::milliseconds(1)));
  }
  if (auto time = base::ParseHttpDate(text)) RB_CHECK(base::ParseTime(base::FormatIso(*time)) == time);
  if (auto duration = base::ParseDuration(text)) RB_CHECK(*duration >= base::Micros(0));
  if (auto id = base::Parse<base::RunId>(text)) RB_CHECK(base::Format(*id) == text);
  if (auto bytes = base::ParseBase64(text)) RB_CHECK(base::FormatBase64(*bytes) == text);
  if (auto bytes = base::ParseHex(text)) RB_CHECK(base::ParseHex(base::FormatHex(*bytes)) == bytes);
  return 0;
}
