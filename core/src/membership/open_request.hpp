#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include <cohort/error.hpp>

#include "membership/connection.hpp"

namespace cohort {

/// A request that is registered before its frame is sent, because the answer may arrive at once. If the frame is not
/// sent, because something throws, the destructor removes the request.
class OpenRequest {
 public:
  /// @throws ProcessExitedException if the connection has ended.
  OpenRequest(Connection& connection, std::shared_ptr<Request> request) : connection_(connection) {
    const auto id = connection_.requests().add(std::move(request), &open_);
    if (!id) throw ProcessExitedException(connection_.peer(), connection_.requests().cause());
    id_ = *id;
  }
  ~OpenRequest() {
    if (!sent_) connection_.requests().take(id_);
  }
  OpenRequest(const OpenRequest&) = delete;
  OpenRequest& operator=(const OpenRequest&) = delete;

  std::uint64_t id() const { return id_; }
  /// How many requests the connection has open, this one included.
  std::size_t open() const { return open_; }
  void sent() { sent_ = true; }

 private:
  Connection& connection_;
  std::uint64_t id_ = 0;
  std::size_t open_ = 0;
  bool sent_ = false;
};

}  // namespace cohort
