#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include <cohort/transport.hpp>

#include "../common/socket_acceptor.hpp"
#include "../common/tcp_sockets.hpp"
#include "tls_context.hpp"

namespace cohort_tls {

/// Returns connections whose handshake is done. The others wait in this object, a limited number for a limited time.
/// Its descriptor is ready when one of them, or a new connection, can proceed.
class TlsListener final : public cohort::Listener {
 public:
  TlsListener(cohort_tcp::ListeningSocket listening, cohort_tcp::TcpSettings settings,
              std::shared_ptr<const TlsContext> context);

  std::string address() const override { return address_; }
  int descriptor() const override { return ready_.get(); }
  /// @throws Error for a connection that failed its handshake; there may be others.
  std::optional<cohort::IoPair> accept() override;

 private:
  struct Handshaking {
    cohort::FileDescriptor socket;
    Ssl ssl;
    cohort::Clock::time_point deadline;
    bool begun = false;  // its first byte came, and was right
    bool wants_to_write = false;
  };

  void take_new_ones();
  void watch(Handshaking& connection, bool writable);
  void set_timer();
  Handshaking remove(std::deque<Handshaking>::iterator at);

  cohort_sockets::SocketAcceptor acceptor_;
  const std::string address_;
  const cohort_tcp::TcpSettings settings_;
  const std::shared_ptr<const TlsContext> context_;
  const cohort::FileDescriptor ready_;   // an epoll of the listening socket, those below and the timer
  const cohort::FileDescriptor timer_;   // for the oldest
  std::deque<Handshaking> handshaking_;  // the oldest first
};

}  // namespace cohort_tls
