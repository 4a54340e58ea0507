#include "base/log.h"

#include <spdlog/details/log_msg.h>
#include <spdlog/formatter.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>

#include "base/time_text.h"
#include "base/utf8.h"

namespace base {
namespace {

std::string_view LevelText(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::debug: return " DEBUG ";
    case spdlog::level::warn: return " WARN  ";
    case spdlog::level::err: return " ERROR ";
    default: return " INFO  ";
  }
}

spdlog::level::level_enum SpdLevel(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kInfo: return spdlog::level::info;
    case LogLevel::kWarn: return spdlog::level::warn;
    case LogLevel::kError: return spdlog::level::err;
  }
  return spdlog::level::err;
}

class LineSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  void Redirect(std::function<void(std::string_view)> target) {
    std::lock_guard lock(mutex_);
    target_ = std::move(target);
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    std::string line = FormatIsoMillis(std::chrono::floor<Micros>(message.time));
    line += LevelText(message.level);
    line.append(message.payload.data(), message.payload.size());
    if (target_) {
      target_(line);
      return;
    }
    line += '\n';
    std::fwrite(line.data(), 1, line.size(), stderr);
  }
  void flush_() override {}

 private:
  std::function<void(std::string_view)> target_;
};

// Never destroyed: threads may log until the process ends.
LineSink& TheSink() {
  static auto* const kSink = new std::shared_ptr<LineSink>(std::make_shared<LineSink>());
  return **kSink;
}

spdlog::logger& TheLogger() {
  static auto* const kLogger = new spdlog::logger("runbell", std::shared_ptr<LineSink>(&TheSink(), [](LineSink*) {}));
  return *kLogger;
}

void AppendCode(std::string& out, const char* format, unsigned value) {
  char text[16];
  std::snprintf(text, sizeof(text), format, value);
  out += text;
}

void AppendEscaped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    Rune rune = FirstRune(text);
    size_t bytes = rune.bytes == 0 ? 1 : rune.bytes;
    if (rune.bytes == 0) {
      AppendCode(out, "\\x%02x", static_cast<unsigned char>(text[0]));
    } else if (rune.code == '"' || rune.code == '\\') {
      out += '\\';
      out += text[0];
    } else if (rune.code == '\n') {
      out += "\\n";
    } else if (IsTreacherous(rune.code)) {
      AppendCode(out, "\\u{%x}", rune.code);
    } else {
      out.append(text.substr(0, bytes));
    }
    text.remove_prefix(bytes);
  }
}

bool IsBare(std::string_view value) {
  for (unsigned char c : value) {
    if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '=') return false;
  }
  return !value.empty();
}

}  // namespace

void Log(LogLevel level, std::string_view message, std::initializer_list<Field> fields) {
  spdlog::logger& logger = TheLogger();
  if (!logger.should_log(SpdLevel(level))) return;
  std::string line;
  AppendEscaped(line, message);
  for (const Field& field : fields) {
    line.append(" ").append(field.key).append("=");
    if (IsBare(field.value)) {
      line += field.value;
    } else {
      line += '"';
      AppendEscaped(line, field.value);
      line += '"';
    }
  }
  logger.log(SpdLevel(level), spdlog::string_view_t(line.data(), line.size()));
}

void SetLogLevel(LogLevel level) { TheLogger().set_level(SpdLevel(level)); }

void SetLogSink(std::function<void(std::string_view line)> sink) { TheSink().Redirect(std::move(sink)); }

void CheckFailed(std::string_view condition, std::string_view file, int line) {
  // Not through the log: the broken thing may hold its lock.
  std::fprintf(stderr, "runbell: check failed: %.*s (%.*s:%d)\n", static_cast<int>(condition.size()), condition.data(),
               static_cast<int>(file.size()), file.data(), line);
  std::abort();
}

}  // namespace base
