#pragma once

#include <array>
#include <optional>
#include <string>

#include <cohort/detail/mutex.hpp>
#include <cohort/file_descriptor.hpp>
#include <cohort/types.hpp>

#include "channel.hpp"

namespace cohort_ssh {

/// A connection that the server makes for us (direct-tcpip), connected to a socket of this process. Each direction
/// stores at most one buffer: a side that does not read stops the other.
class ForwardChannel final : public Channel {
 public:
  /// @param socket this side's end; non-blocking.
  ForwardChannel(std::string host, int port, cohort::FileDescriptor socket)
      : host_(std::move(host)), port_(port), socket_(std::move(socket)) {}

  bool step(ssh_session session) override;
  void add_to(std::vector<pollfd>& polled) const override;
  bool is_over() const override { return over_; }
  void release(const std::string& reason) override;

  /// Waits until the server has made the connection. Any thread. @return "", or why the server has not made it.
  std::string wait_until_open(cohort::Clock::time_point deadline);

 private:
  /// Bytes on their way in one direction.
  struct Backlog {
    std::array<char, 64 * 1024> bytes;
    std::size_t begin = 0, end = 0;
    bool empty() const { return begin == end; }
  };

  bool open(ssh_session session);
  bool to_server();
  bool from_server();
  void settle(std::string problem);

  const std::string host_;
  const int port_;

  // The session's thread.
  cohort::FileDescriptor socket_;
  ssh_channel channel_ = nullptr;
  bool open_ = false;
  bool over_ = false;
  bool local_ended_ = false;   // our side sends no more, and the server was told
  bool server_ended_ = false;  // the server sends no more, and our side was told
  Backlog out_, in_;

  cohort::detail::Mutex mutex_;
  cohort::detail::ConditionVariable changed_;
  std::optional<std::string> opened_ COHORT_GUARDED_BY(mutex_);  // why not; "" if it is
};

}  // namespace cohort_ssh
