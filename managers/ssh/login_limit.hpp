#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>

#include "patience.hpp"

namespace cohort_ssh {

/// How many logins are under way at one server: an sshd refuses more than its MaxStartups. Any thread.
class LoginLimit {
 public:
  explicit LoginLimit(int most) : most_(most) {}

  /// One login, for a scope.
  class Turn {
   public:
    /// Waits for its turn, as long as the patience lasts; who lost that goes on and fails by it elsewhere.
    Turn(LoginLimit& limit, std::string server, const Patience& patience) : limit_(limit), server_(std::move(server)) {
      std::unique_lock lock(limit_.mutex_);
      limit_.changed_.wait_until(lock, patience.stop(), patience.deadline(),
                                 [&] { return limit_.under_way_[server_] < limit_.most_; });
      ++limit_.under_way_[server_];
    }
    ~Turn() {
      {
        const std::lock_guard lock(limit_.mutex_);
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
  std::mutex mutex_;  // guards under_way_
  std::condition_variable_any changed_;
  std::map<std::string, int> under_way_;  // by server
};

}  // namespace cohort_ssh
