#include "node/manager_calls.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace cohort {

ManagerCalls::Running::Running(ManagerCalls& calls, const std::string& manager, const char* function)
    : calls_(calls), name_(fmt::format("{}() of manager '{}'", function, manager)) {
  detail::MutexLock lock(calls_.mutex_);
  calls_.running_.insert(name_);
}

ManagerCalls::Running::~Running() {
  detail::MutexLock lock(calls_.mutex_);
  calls_.running_.erase(calls_.running_.find(name_));
}

std::string ManagerCalls::text() const {
  detail::MutexLock lock(mutex_);
  return fmt::format("{}", fmt::join(running_, ", "));
}

}  // namespace cohort
