#pragma once

#include <set>
#include <string>

#include <cohort/detail/mutex.hpp>

namespace cohort {

/// Which functions of cluster managers are running: named when the program ends before they return. Any thread.
class ManagerCalls {
 public:
  /// One call, for a scope.
  class Running {
   public:
    Running(ManagerCalls& calls, const std::string& manager, const char* function);
    ~Running();
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

   private:
    ManagerCalls& calls_;
    const std::string name_;
  };

  /// "launch() of manager 'podman'", and so on.
  std::string text() const;

 private:
  mutable detail::Mutex mutex_;
  std::multiset<std::string> running_ COHORT_GUARDED_BY(mutex_);
};

}  // namespace cohort
