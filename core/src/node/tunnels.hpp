#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

#include <cohort/detail/mutex.hpp>
#include <cohort/io_pair.hpp>
#include <cohort/types.hpp>

#include "membership/connection.hpp"

namespace cohort {

class NodeImpl;

/// Connections of two workers that the topology does not connect: their bytes, including the handshake, go through the
/// master in `tunnel` frames. For the two workers they are connections like others, so everything works over them.
class Tunnels {
 public:
  explicit Tunnels(NodeImpl& node) : node_(node) {}
  ~Tunnels();

  /// Makes this end of a new tunnel to `peer`, for a new connection. As with a dialled connection, the process with the
  /// higher id makes it. Any thread. @throws Error if the master cannot be reached.
  IoPair open(Pid peer);
  /// Handles a frame; the master forwards it. Loop thread.
  void on_frame(const std::shared_ptr<Connection>& connection, Frame&& frame);
  /// Ends all tunnels. Loop thread.
  void close();

 private:
  class Tunnel;
  using Key = std::pair<Pid, std::uint64_t>;  // the other worker, the number

  void pass_on(const std::shared_ptr<Connection>& connection, Pid from, Pid to, Frame&& frame);
  IoPair add(const Key& key, const std::shared_ptr<Connection>& master);
  std::shared_ptr<Tunnel> find(const Key& key);
  void forget(const Key& key);

  NodeImpl& node_;
  detail::Mutex mutex_;
  std::uint64_t last_number_ COHORT_GUARDED_BY(mutex_) = 0;
  std::map<Key, std::shared_ptr<Tunnel>> tunnels_ COHORT_GUARDED_BY(mutex_);
};

}  // namespace cohort
