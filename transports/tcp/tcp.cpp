// Streams over TCP, IPv4 and IPv6.

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <cohort/plugin.hpp>

#include "../common/socket_acceptor.hpp"
#include "../common/tcp_sockets.hpp"

namespace {

using namespace cohort_tcp;
using cohort::FileDescriptor;
using cohort::IoPair;

constexpr cohort::Option tcp_options[] = {COHORT_TCP_OPTIONS};

IoPair to_pair(FileDescriptor socket, const TcpSettings& settings) {
  set_up_connection(socket.get(), settings);
  return cohort::make_socket_pair(socket.release());
}

class TcpListener final : public cohort::Listener {
 public:
  TcpListener(ListeningSocket listening, TcpSettings settings)
      : acceptor_(std::move(listening.socket)),
        address_(std::move(listening.address)),
        settings_(std::move(settings)) {}

  std::string address() const override { return address_; }
  int descriptor() const override { return acceptor_.descriptor(); }

  std::optional<IoPair> accept() override {
    auto socket = acceptor_.accept();
    if (!socket) return std::nullopt;
    return to_pair(std::move(socket), settings_);
  }

 private:
  cohort_sockets::SocketAcceptor acceptor_;
  const std::string address_;
  const TcpSettings settings_;
};

class TcpTransport final : public cohort::Transport {
 public:
  explicit TcpTransport(const cohort::Options& options) : settings_(options) {}

  std::unique_ptr<cohort::Listener> listen(const std::string& bind) override {
    return std::make_unique<TcpListener>(listen_at(bind, settings_), settings_);
  }

  IoPair connect(const std::string& address, cohort::Clock::time_point deadline) override {
    return to_pair(dial(address, deadline), settings_);
  }

 private:
  const TcpSettings settings_;
};

}  // namespace

COHORT_TRANSPORT("tcp", TcpTransport, "0.1.0", tcp_options)
