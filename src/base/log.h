// Log: one line per event on standard error, `time level message key=value ...`; the fence around spdlog.
//
// Values are escaped, so nothing from outside can forge a line. A Secret has no way in here. Any thread may call.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

namespace base {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

struct Field {
  std::string_view key;
  std::string value;
  Field(std::string_view k, std::string v) : key(k), value(std::move(v)) {}
  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  Field(std::string_view k, int64_t v) : key(k), value(std::to_string(v)) {}
  Field(std::string_view k, int v) : key(k), value(std::to_string(v)) {}
  Field(std::string_view k, size_t v) : key(k), value(std::to_string(v)) {}
};

void Log(LogLevel level, std::string_view message, std::initializer_list<Field> fields = {});
void SetLogLevel(LogLevel level);
// Sends finished lines elsewhere (tests); an empty function restores standard error.
void SetLogSink(std::function<void(std::string_view line)> sink);

// Ends the process with a message when a condition that only a bug can break is broken. Never for outside input.
#define RB_CHECK(condition)                                                \
  do {                                                                     \
    if (!(condition)) ::base::CheckFailed(#condition, __FILE__, __LINE__); \
  } while (false)
[[noreturn]] void CheckFailed(std::string_view condition, std::string_view file, int line);

}  // namespace base
