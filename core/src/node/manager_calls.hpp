#pragma once

#include <set>
#include <string>

#include <cohort/detail/mutex.hpp>

namespace cohort {

/// The running functions of cluster managers; named if the program ends before they return. Any thread may use it.
class ManagerCalls {
 public:
  /// Records one call as long as the object lives.
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
