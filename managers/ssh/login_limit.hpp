#pragma once

#include <condition_variable>
#include <map>
#include <string>

#include <cohort/detail/mutex.hpp>

#include "patience.hpp"

namespace cohort_ssh {

/// Limits the simultaneous logins at one server, because an sshd refuses more than its MaxStartups. Any thread.
class LoginLimit {
 public:
  explicit LoginLimit(int most) : most_(most) {}

  /// One login, as long as the object lives.
  class Turn {
   public:
    /// Waits for its turn, as long as the patience lasts. If the patience ends, it returns, and the login fails later.
    Turn(LoginLimit& limit, std::string server, const Patience& patience) : limit_(limit), server_(std::move(server)) {
      cohort::detail::MutexLock lock(limit_.mutex_);
      const auto has_turn = [this]()
                                COHORT_REQUIRES(limit_.mutex_) { return limit_.under_way_[server_] < limit_.most_; };
      limit_.changed_.wait_until(limit_.mutex_, patience.stop(), patience.deadline(), has_turn);
      ++limit_.under_way_[server_];
    }
    ~Turn() {
      {
        const cohort::detail::MutexLock lock(limit_.mutex_);
        --limit_.under_way_[server_];
      }
      limit_.changed_.notify_all();
    }
    Turn(const Turn&) = delete;

   private:
    LoginLimit& limit_;
    const std::string server_;
  };

 private:
  const int most_;
  cohort::detail::Mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, int> under_way_ COHORT_GUARDED_BY(mutex_);  // by server
};

}  // namespace cohort_ssh
