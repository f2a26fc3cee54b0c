#pragma once

#include <string>
#include <vector>

#include <cohort/types.hpp>

namespace cohort::cli {

/// While it lives, what this process's children leave behind becomes this process's child. One object at a time.
class Orphans {
 public:
  Orphans();
  ~Orphans();
  Orphans(const Orphans&) = delete;

  /// Gives all children `grace` to end by themselves, then kills them. @return the command lines of those killed.
  static std::vector<std::string> end(Duration grace);
};

}  // namespace cohort::cli
