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

class Node;

/// Connections of two workers that the topology does not connect: their bytes, handshake included, pass through the
/// master in `tunnel` frames. To the two they are connections like others, so all that goes by those works.
class Tunnels {
 public:
  explicit Tunnels(Node& node) : node_(node) {}
  ~Tunnels();

  /// This end of a new tunnel to `peer`, to be dialled on. Like a dialled connection, it is the one with the higher id
  /// that makes it. Any thread. @throws Error if the master cannot be reached.
  IoPair open(Pid peer);
  /// Loop thread. On the master: passes the frame on.
  void on_frame(const std::shared_ptr<Connection>& connection, Frame&& frame);
  /// Ends all. Loop thread.
  void close();

 private:
  class Tunnel;
  using Key = std::pair<Pid, std::uint64_t>;  // the other worker, the number

  void pass_on(const std::shared_ptr<Connection>& connection, Pid from, Pid to, Frame&& frame);
  IoPair add(const Key& key, const std::shared_ptr<Connection>& master);
  std::shared_ptr<Tunnel> find(const Key& key);
  void forget(const Key& key);

  Node& node_;
  detail::Mutex mutex_;
  std::uint64_t last_number_ COHORT_GUARDED_BY(mutex_) = 0;
  std::map<Key, std::shared_ptr<Tunnel>> tunnels_ COHORT_GUARDED_BY(mutex_);
};

}  // namespace cohort
