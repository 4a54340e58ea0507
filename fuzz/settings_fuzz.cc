// The settings file, through the door by which a server reads it.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "app/settings.h"
#include "app/settings_file.h"
#include "app/table.h"
#include "base/log.h"

namespace {

// A file that exists in memory only; reading it by its path begins at its start each time.
class MemoryFile {
 public:
  MemoryFile() : fd_(memfd_create("settings", MFD_CLOEXEC)) { RB_CHECK(fd_ >= 0); }
  std::string Write(std::string_view text) const {
    RB_CHECK(ftruncate(fd_, 0) == 0 && pwrite(fd_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    return "/proc/self/fd/" + std::to_string(fd_);
  }

 private:
  int fd_;
};

void TryEntries(std::string_view text) {
  auto entries = app::ParseSettingsFile(text, "f");
  if (!entries) {
    RB_CHECK(entries.error().code == base::Code::kInvalid && entries.error().where.starts_with("f:"));
    return;
  }
  int line = 0;
  for (const auto& entry : *entries) {
    RB_CHECK(entry.line >= line);
    line = entry.line;
    using Kind = app::FileEntry::Kind;
    RB_CHECK((entry.kind != Kind::kText && entry.kind != Kind::kNumber) || entry.values.size() == 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const MemoryFile kFile;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  TryEntries(text);
  if (text.find("file:") != std::string_view::npos) return 0;  // a secret would be read from anywhere
  auto loaded = app::LoadSettings({kFile.Write(text), {}, {}});
  if (loaded) {
    RB_CHECK(loaded->origins.size() == app::AllSettings().size());
    (void)app::FormatSettingsTable(*loaded);
    return 0;
  }
  RB_CHECK(loaded.error().code == base::Code::kInvalid);
  RB_CHECK(app::HarmlessLines(loaded.error().Text()) == loaded.error().Text());
  return 0;
}
