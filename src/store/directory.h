// The data directory: made when missing, and held by one process at a time.
#pragma once

#include <string>

#include "base/result.h"

namespace store {

class Directory {
 public:
  // kConflict when another process holds it.
  static base::Result<Directory> Open(const std::string& path);
  Directory(Directory&& other) noexcept;
  Directory& operator=(Directory&&) = delete;
  ~Directory();

  std::string File(std::string_view name) const { return path_ + "/" + std::string(name); }
  // Puts a new file of mode 0600 on disk, whole or not at all.
  base::Status WriteFile(std::string_view name, std::string_view bytes) const;
  // Empty when there is none.
  base::Result<std::string> ReadFile(std::string_view name) const;

 private:
  Directory(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::string path_;
  int lock_ = -1;
};

}  // namespace store
