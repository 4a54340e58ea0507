#include "store/directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/log.h"

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

// Whoever can write here must not be able to lead us to another file, or to keep us waiting at a pipe. kNotFound: there
// is none; kConflict: O_EXCL finds one.
Result<int> OpenFile(const std::string& path, int flags) {
  const int file = open(path.c_str(), flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
  if (file < 0 && errno == ELOOP) {
    return Error(Code::kUnavailable, path + " is a symbolic link: put the file itself into the data directory");
  }
  if (file < 0) {
    Error error = SystemError("open", path);
    if (errno == ENOENT) error.code = Code::kNotFound;
    if (errno == EEXIST) error.code = Code::kConflict;
    return error;
  }
  struct stat what {};
  if (fstat(file, &what) != 0 || !S_ISREG(what.st_mode)) {
    close(file);
    return Error(Code::kUnavailable, path + " is not a regular file");
  }
  return file;
}

void WarnOfOthers(const std::string& path) {
  struct stat what {};
  if (stat(path.c_str(), &what) != 0 || (what.st_mode & 077) == 0) return;
  char mode[8];
  std::snprintf(mode, sizeof mode, "%04o", what.st_mode & 07777u);
  base::Log(base::LogLevel::kWarn, "other users may enter the data directory; chmod 700 keeps them out",
            {{"directory", path}, {"mode", mode}});
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

  WarnOfOthers(path);

  const std::string name = path + "/lock";
  auto opened = OpenFile(name, O_RDWR | O_CREAT | O_EXCL);
  const bool is_new = opened.has_value();
  if (!opened && opened.error().code == Code::kConflict) opened = OpenFile(name, O_RDWR);
  RB_ASSIGN(const int lock, std::move(opened));
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    const bool held = errno == EWOULDBLOCK;
    Error error = SystemError("lock", name);
    close(lock);
    if (!held) return error;
    return Error(Code::kConflict,
                 "the data directory " + path +
                     " is in use by another process; if that is a server, talk to it with --server URL");
  }
  return Directory(path, lock, is_new);
}

Directory::Directory(Directory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)), is_new_(other.is_new_) {}

Directory::~Directory() {
  if (lock_ >= 0) close(lock_);
}

Result<Directory::Made> Directory::MakeFile(std::string_view name) const {
  auto file = OpenFile(File(name), O_RDONLY | O_CREAT | O_EXCL);
  const bool made = file.has_value();
  if (!made && file.error().code == Code::kConflict) file = OpenFile(File(name), O_RDONLY);
  RB_ASSIGN(const int opened, std::move(file));
  close(opened);
  if (!made) return Made::kNothing;
  return is_new_ ? Made::kFirst : Made::kAgain;
}

Status Directory::WriteFile(std::string_view name, std::string_view bytes) const {
  const std::string target = File(name);
  const std::string draft = target + ".new";
  unlink(draft.c_str());  // left by a crash, or put there: never written through
  RB_ASSIGN(const int file, OpenFile(draft, O_WRONLY | O_CREAT | O_EXCL));
  Status written = WriteAll(file, bytes, draft);
  close(file);
  RB_TRY(std::move(written));
  if (rename(draft.c_str(), target.c_str()) != 0) return SystemError("rename", draft);
  return SyncDirectory(path_);
}

Result<std::string> Directory::ReadFile(std::string_view name) const {
  const std::string path = File(name);
  auto opened = OpenFile(path, O_RDONLY);
  if (!opened && opened.error().code == Code::kNotFound) return std::string();
  RB_ASSIGN(const int file, std::move(opened));
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
