#pragma once

#include <memory>

#include "membership/router.hpp"
#include "remote/references.hpp"
#include "remote/remote_channel_state.hpp"

namespace cohort {

/// Serves the requests of other processes to the remote channels of this process. It runs on the loop: a process whose
/// functions compute still serves its channels, and a waiting operation uses memory but no thread.
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
