// The one place in proc/ that reads the environment of this process: to find programs, and to pass it on.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "proc/spawn.h"

namespace proc {
namespace {

// Where POSIX shells look when there is no PATH.
constexpr std::string_view kDefaultPath = "/usr/local/bin:/usr/bin:/bin";
constexpr std::array<std::string_view, 4> kAlwaysKept = {"PATH", "HOME", "LANG", "TZ"};

std::string_view NameOf(std::string_view entry) { return entry.substr(0, entry.find('=')); }

std::string_view SearchPath() {
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    std::string_view text = *entry;
    if (text.starts_with("PATH=")) return text.substr(5);
  }
  return kDefaultPath;
}

bool IsProgram(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && access(path.c_str(), X_OK) == 0;
}

std::optional<std::string> Absolute(const std::string& path) {
  if (!IsProgram(path)) return std::nullopt;
  std::error_code error;
  auto absolute = std::filesystem::absolute(path, error);
  if (error) return std::nullopt;
  return absolute.lexically_normal().string();
}

}  // namespace

std::optional<std::string> FindProgram(std::string_view name) {
  if (name.empty() || name.find('\0') != std::string_view::npos) return std::nullopt;
  if (name.find('/') != std::string_view::npos) return Absolute(std::string(name));
  for (std::string_view rest = SearchPath();;) {
    const size_t colon = rest.find(':');
    std::string folder(rest.substr(0, colon));
    if (folder.empty()) folder = ".";
    if (auto found = Absolute(folder + "/" + std::string(name))) return found;
    if (colon == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(colon + 1);
  }
}

std::vector<std::string> MakeEnvironment(const Command& command) {
  std::vector<std::string> out;
  auto set = [&](std::string_view entry) {
    auto same = std::find_if(out.begin(), out.end(), [&](const auto& other) { return NameOf(other) == NameOf(entry); });
    if (same == out.end()) {
      out.emplace_back(entry);
    } else {
      *same = entry;
    }
  };
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const bool kept = std::find(kAlwaysKept.begin(), kAlwaysKept.end(), NameOf(*entry)) != kAlwaysKept.end();
    const bool withheld =
        !command.withheld_prefix.empty() && std::string_view(*entry).starts_with(command.withheld_prefix);
    if ((!command.clean_environment || kept) && !withheld) set(*entry);
  }
  for (const auto& entry : command.extra_environment) set(entry);
  return out;
}

}  // namespace proc
