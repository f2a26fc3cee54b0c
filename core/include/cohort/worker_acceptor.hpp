#pragma once

#include <functional>
#include <memory>
#include <string>

#include <cohort/io_pair.hpp>
#include <cohort/transport.hpp>

namespace cohort {

/// A worker that dialled its master and proved that it belongs to it.
struct AcceptedWorker {
  IoPair connection;    ///< for ClusterManager::connect() to return
  std::string address;  ///< where the worker listens for the others: its WorkerConfig::connect_at
};

/// For a manager whose workers come by themselves. Accepts connections, has each prove that it has the cookie
/// (the lines are in docs/protocol.md, "Joining"), and hands over those that do. Others are closed after `limit` at
/// most, and the oldest of them when more than 64 wait, so that nobody keeps workers out. The handshake of the cluster
/// follows on the connection as on any other.
class WorkerAcceptor {
 public:
  /// @param on_accepted called on the thread of this object, one at a time; must not throw nor destroy this object.
  WorkerAcceptor(std::unique_ptr<Listener> listener, std::string cookie,
                 std::function<void(AcceptedWorker)> on_accepted, Duration limit = std::chrono::seconds(10));
  /// Closes the listener, and what has not proved itself. `on_accepted` runs no more. Not on its thread.
  ~WorkerAcceptor();

  /// What workers dial.
  const std::string& address() const;

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace cohort
