#pragma once

#include <any>
#include <cstdint>
#include <memory>
#include <utility>

#include <cohort/worker_config.hpp>

#include "membership/connection.hpp"

namespace cohort {

namespace detail {

/// The connection of a worker that connected to the master, until its addprocs call takes it. Closes it if nobody does.
/// Any thread, one at a time.
class Arrival {
 public:
  explicit Arrival(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
  ~Arrival() {
    if (connection_ != nullptr) connection_->close("no manager took this worker");
  }
  Arrival(const Arrival&) = delete;
  Arrival& operator=(const Arrival&) = delete;

  /// Null where it was taken before.
  std::shared_ptr<Connection> take() { return std::exchange(connection_, nullptr); }

 private:
  std::shared_ptr<Connection> connection_;
};

}  // namespace detail

/// Where workers go that connected to the master: the acceptor() of their connections. Some know a one-time token
/// instead of the cookie.
class ArrivedWorkers : public JoinTokens {
 public:
  /// A blocking thread.
  virtual void arrived(WorkerConfig config) noexcept = 0;
  /// What the manager wants to know of a worker that has used this token. Loop thread.
  virtual std::any mark_of_token(std::int32_t number) = 0;
  /// The master ends, and must not be used any more. Not on the loop.
  virtual void master_ends() noexcept = 0;
};

}  // namespace cohort
