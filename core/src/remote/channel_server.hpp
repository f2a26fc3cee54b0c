#pragma once

#include <memory>

#include "membership/router.hpp"
#include "remote/references.hpp"
#include "remote/remote_channel_state.hpp"

namespace cohort {

/// Does for other processes what they ask of the remote channels of this one. All on the loop: a process that computes
/// still serves its channels, and an operation that must wait takes memory, no thread.
class ChannelServer {
 public:
  explicit ChannelServer(References& references) : references_(references) {}

  /// A `channel` frame. Loop thread.
  void on_frame(const std::shared_ptr<Connection>& connection, Frame&& frame);

 private:
  class Parked;
  void handle(const std::shared_ptr<Connection>& connection, Frame&& frame);
  void call_off(const std::shared_ptr<Connection>& connection, detail::ChannelQueue& queue, std::uint64_t request);

  References& references_;
};

}  // namespace cohort
