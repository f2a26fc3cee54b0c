#pragma once

#include <string>

#include <cohort/child_process.hpp>
#include <cohort/detail/mutex.hpp>
#include <cohort/types.hpp>

#include "../../transports/zmq/socket_file.hpp"

namespace cohort_zmq {

/// A broker that belongs to this process. It ends with this object, and when this process ends for any reason.
class BrokerProcess {
 public:
  struct Settings {
    std::string listen;
    std::string key_file;  ///< empty: none; "-": `key` is given instead
    std::string key;
  };

  /// Starts it and waits until it listens. The calling thread must live as long as the broker is needed.
  /// @throws Error with the broker's output.
  BrokerProcess(const Settings& settings, cohort::Clock::time_point deadline);
  ~BrokerProcess();

  const std::string& address() const { return address_; }
  /// Returns how it ended, if it ends within a second: "killed by signal 9 (Killed)". Any thread.
  std::string end();

 private:
  std::string address_;
  SocketFile file_;  // is removed after the end of a broker that was killed and left it
  cohort::detail::Mutex mutex_;
  cohort::ChildProcess process_ COHORT_GUARDED_BY(mutex_);
};

}  // namespace cohort_zmq
