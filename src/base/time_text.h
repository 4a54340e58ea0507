// The forms in which times are written. Years outside 0 to 9999 are written as the nearest time inside.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace base {

std::string FormatDateHeader(WallTime t);  // 2020-11-25T00:43:38+0000, the signed Date header
std::string FormatNaive(WallTime t);       // 2020-11-25T00:43:38, as in payloads
std::string FormatIso(WallTime t);         // 2020-11-25T00:43:38Z, the API (whole seconds)
std::string FormatIsoMillis(WallTime t);   // 2020-11-25T00:43:38.123Z, logs and timelines
// RFC 3339 with Z or an offset (+00:00 or +0000); a fraction is kept to microseconds. Dates are checked for existence.
std::optional<WallTime> ParseTime(std::string_view text);
// RFC 9110 HTTP-date, IMF-fixdate form only: Sun, 06 Nov 1994 08:49:37 GMT.
std::optional<WallTime> ParseHttpDate(std::string_view text);
std::string FormatHttpDate(WallTime t);
// "250ms", "5s", "90m", "10h", "30d", "0".
std::optional<Micros> ParseDuration(std::string_view text);
std::string FormatDuration(Micros d);  // for people: "5s", "2h", "1m 30s", "340ms"

constexpr int64_t ToMicros(WallTime t) { return t.time_since_epoch().count(); }
constexpr WallTime FromMicros(int64_t us) { return WallTime(Micros(us)); }

}  // namespace base
