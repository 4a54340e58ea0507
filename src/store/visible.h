// Grants as SQL: what a principal's grants do not cover does not exist for it.
#pragma once

#include <string>
#include <string_view>

#include "base/principal.h"

namespace store {

class Visible {
 public:
  explicit Visible(const base::Principal& who);
  bool all() const { return all_; }

  // Conditions over columns that hold the ids of an environment and of a workspace: that either is covered.
  std::string Either(std::string_view environment, std::string_view workspace) const;
  // That the environment is covered.
  std::string Environment(std::string_view environment) const;
  // That the environment is covered, or a workspace in it is.
  std::string EnvironmentAround(std::string_view environment) const;

 private:
  std::string In(std::string_view column, const std::string& list) const;
  bool all_ = false;
  std::string environments_, workspaces_, around_;  // lists for SQL
};

}  // namespace store
