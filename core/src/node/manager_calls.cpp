#include "node/manager_calls.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace cohort {

ManagerCalls::Running::Running(ManagerCalls& calls, const std::string& manager, const char* function)
    : calls_(calls), name_(fmt::format("{}() of manager '{}'", function, manager)) {
  std::lock_guard lock(calls_.mutex_);
  calls_.running_.insert(name_);
}

ManagerCalls::Running::~Running() {
  std::lock_guard lock(calls_.mutex_);
  calls_.running_.erase(calls_.running_.find(name_));
}

std::string ManagerCalls::text() const {
  std::lock_guard lock(mutex_);
  return fmt::format("{}", fmt::join(running_, ", "));
}

}  // namespace cohort
