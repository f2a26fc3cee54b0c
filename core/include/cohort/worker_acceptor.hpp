#pragma once

#include <functional>
#include <memory>
#include <string>

#include <cohort/io_pair.hpp>
#include <cohort/transport.hpp>

namespace cohort {

/// A worker that connected to its master and proved that it knows the cookie.
struct AcceptedWorker {
  IoPair connection;    ///< for ClusterManager::connect() to return
  std::string address;  ///< where the worker listens for the others: its WorkerConfig::connect_at
};

/// Accepts workers that connect by themselves, for a manager that does not launch them. Each connection must prove that
/// it knows the cookie (docs/protocol.md, "Joining" describes the exchange), and is then passed to `on_accepted`. A
/// connection without a proof is closed after `limit` at the latest; of more than 64 such connections the oldest is
/// closed, so that strangers cannot block workers. The handshake of the cluster follows as on any connection.
class WorkerAcceptor {
 public:
  /// @param on_accepted called on the thread of this object, one call at a time; must not throw and not destroy it.
  WorkerAcceptor(std::unique_ptr<Listener> listener, std::string cookie,
                 std::function<void(AcceptedWorker)> on_accepted, Duration limit = std::chrono::seconds(10));
  /// Closes the listener and the connections without a proof. `on_accepted` is not called afterwards. Must not run on
  /// the thread that calls `on_accepted`.
  ~WorkerAcceptor();

  /// The address to which workers connect.
  const std::string& address() const;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace cohort
