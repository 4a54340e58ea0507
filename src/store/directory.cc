#include "store/directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

namespace store {

using base::Code;
using base::Error;
using base::Result;
using base::Status;

namespace {

Error SystemError(std::string_view doing, const std::string& path) {
  return {Code::kUnavailable, std::string(doing) + " " + path + ": " + std::strerror(errno)};
}

Status WriteAll(int file, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return SystemError("write", path);
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  if (fsync(file) != 0) return SystemError("sync", path);
  return {};
}

Status SyncDirectory(const std::string& path) {
  int directory = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return SystemError("open", path);
  const bool synced = fsync(directory) == 0;
  close(directory);
  if (!synced) return SystemError("sync", path);
  return {};
}

}  // namespace

Result<Directory> Directory::Open(const std::string& path) {
  std::error_code failed;
  auto parent = std::filesystem::absolute(path, failed).lexically_normal();
  if (!parent.has_filename()) parent = parent.parent_path();
  parent = parent.parent_path();
  if (!failed) std::filesystem::create_directories(parent, failed);
  if (failed) return Error(Code::kUnavailable, "make " + parent.string() + ": " + failed.message());
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return SystemError("make", path);

  const std::string name = path + "/lock";
  int lock = open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return SystemError("open", name);
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    const bool held = errno == EWOULDBLOCK;
    Error error = SystemError("lock", name);
    close(lock);
    if (!held) return error;
    return Error(Code::kConflict,
                 "the data directory " + path +
                     " is in use by another process; if that is a server, talk to it with --server URL");
  }
  return Directory(path, lock);
}

Directory::Directory(Directory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

Directory::~Directory() {
  if (lock_ >= 0) close(lock_);
}

Status Directory::WriteFile(std::string_view name, std::string_view bytes) const {
  const std::string target = File(name);
  const std::string draft = target + ".new";
  int file = open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0) return SystemError("open", draft);
  Status written = WriteAll(file, bytes, draft);
  close(file);
  RB_TRY(std::move(written));
  if (rename(draft.c_str(), target.c_str()) != 0) return SystemError("rename", draft);
  return SyncDirectory(path_);
}

Result<std::string> Directory::ReadFile(std::string_view name) const {
  const std::string path = File(name);
  int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    if (errno == ENOENT) return std::string();
    return SystemError("open", path);
  }
  std::string bytes(4096, '\0');
  ssize_t size = read(file, bytes.data(), bytes.size());
  if (size < 0) {
    Error error = SystemError("read", path);
    close(file);
    return error;
  }
  close(file);
  bytes.resize(static_cast<size_t>(size));
  return bytes;
}

}  // namespace store
