// The data directory: made when missing, and held by one process at a time. What lies in it must be regular files:
// links are not followed.
#pragma once

#include <string>

#include "base/result.h"

namespace store {

class Directory {
 public:
  // kConflict when another process holds it. Warns in the log when other users may enter.
  static base::Result<Directory> Open(const std::string& path);
  Directory(Directory&& other) noexcept;
  Directory& operator=(Directory&&) = delete;
  ~Directory();

  std::string File(std::string_view name) const { return path_ + "/" + std::string(name); }
  // Makes the file, empty and of mode 0600, unless it is there. kAgain: the directory was in use before, without it
  // now.
  enum class Made { kNothing, kFirst, kAgain };
  base::Result<Made> MakeFile(std::string_view name) const;
  // Puts a new file of mode 0600 on disk, whole or not at all.
  base::Status WriteFile(std::string_view name, std::string_view bytes) const;
  // Empty when there is none.
  base::Result<std::string> ReadFile(std::string_view name) const;

 private:
  Directory(std::string path, int lock, bool is_new) : path_(std::move(path)), lock_(lock), is_new_(is_new) {}
  std::string path_;
  int lock_ = -1;
  bool is_new_ = false;  // nobody held it before
};

}  // namespace store
