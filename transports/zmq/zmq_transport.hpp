#pragma once

#include <memory>
#include <optional>
#include <string>

#include <cohort/detail/mutex.hpp>
#include <cohort/plugin.hpp>

#include "curve_keys.hpp"
#include "hub.hpp"

namespace cohort_zmq {

/// The options that the transport and the manager share.
#define COHORT_ZMQ_KEY_OPTIONS                                                                                      \
  {"curve", cohort::OptionType::boolean, "false",                                                                   \
   "encrypt what goes to and from the broker (CURVE), by a key from the cluster's cookie or by key_file", nullptr}, \
  {                                                                                                                 \
    "key_file", cohort::OptionType::string, nullptr,                                                                \
        "file with the key that the broker was started with, at least 32 bytes; implies curve", nullptr             \
  }

/// Streams over a broker.
class ZmqTransport : public cohort::Transport {
 public:
  /// @param broker its address. @param options with COHORT_ZMQ_KEY_OPTIONS. @throws ConfigError.
  ZmqTransport(std::string broker, const cohort::Options& options);

  std::unique_ptr<cohort::Listener> listen(const std::string& bind) override;
  cohort::IoPair connect(const std::string& address, cohort::Clock::time_point deadline) override;
  void set_secret(std::span<const std::byte> key) override;

  /// Why the broker was lost, if this process was connected to it; else empty. Any thread.
  std::string lost() const;

 private:
  std::shared_ptr<Hub> hub(cohort::Clock::time_point deadline);

  const std::string broker_;
  const bool curve_;
  const bool has_key_file_;
  cohort::detail::Mutex connecting_;  // one at a time
  mutable cohort::detail::Mutex mutex_;
  std::optional<Secret> secret_ COHORT_GUARDED_BY(mutex_);
  std::shared_ptr<Hub> hub_ COHORT_GUARDED_BY(mutex_);  // made when it is first used
};

}  // namespace cohort_zmq
