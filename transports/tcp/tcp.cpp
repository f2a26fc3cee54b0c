// Streams over TCP, IPv4 and IPv6; between processes of one host and user through shared memory.

#include <sys/epoll.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <cohort/plugin.hpp>

#include "../common/ring_offer.hpp"
#include "../common/socket_acceptor.hpp"
#include "../common/tcp_sockets.hpp"
#include "../common/unix_socket.hpp"
#include "same_host.hpp"

namespace {

using namespace cohort_tcp;
using cohort::FileDescriptor;
using cohort::IoPair;
using cohort_sockets::SocketAcceptor;

constexpr cohort::Option tcp_options[] = {
    COHORT_TCP_OPTIONS,
    {"same_host", cohort::OptionType::choice, "\"shm\"",
     "what processes of one host and user are connected by, where both ends can: shared memory, Unix sockets, or TCP",
     "shm|unix|tcp"},
};

IoPair to_pair(FileDescriptor socket, const TcpSettings& settings) {
  set_up_connection(socket.get(), settings);
  return cohort::make_socket_pair(socket.release());
}

class TcpListener final : public cohort::Listener {
 public:
  /// @param beside where processes of this host connect instead, or empty.
  TcpListener(ListeningSocket listening, FileDescriptor beside, SameHost by, TcpSettings settings)
      : address_(std::move(listening.address)),
        settings_(std::move(settings)),
        by_(by),
        either_(::epoll_create1(EPOLL_CLOEXEC)),
        acceptor_(std::move(listening.socket)) {
    if (beside) beside_.emplace(std::move(beside));
    watch(acceptor_);
    if (beside_) watch(*beside_);
  }

  std::string address() const override { return address_; }
  int descriptor() const override { return either_.get(); }

  std::optional<IoPair> accept() override {
    while (auto socket = beside_ ? beside_->accept() : FileDescriptor()) {
      if (!cohort_sockets::wrong_peer(socket.get()).empty()) continue;
      if (by_ == SameHost::shm) return cohort_shm::offer_rings(std::move(socket));
      return cohort::make_socket_pair(socket.release());
    }
    auto socket = acceptor_.accept();
    if (!socket) return std::nullopt;
    return to_pair(std::move(socket), settings_);
  }

 private:
  void watch(const SocketAcceptor& acceptor) {
    epoll_event event{EPOLLIN, {}};
    if (!either_ || ::epoll_ctl(either_.get(), EPOLL_CTL_ADD, acceptor.descriptor(), &event) < 0)
      throw cohort::Error("cannot listen at " + address_ + ": no descriptors left", cohort::ErrorKind::overloaded);
  }

  const std::string address_;
  const TcpSettings settings_;
  const SameHost by_;
  const FileDescriptor either_;  // readable when one of the two has somebody waiting
  SocketAcceptor acceptor_;
  std::optional<SocketAcceptor> beside_;
};

class TcpTransport final : public cohort::Transport {
 public:
  explicit TcpTransport(const cohort::Options& options)
      : settings_(options), by_(same_host_of(options.string("same_host"))) {}

  std::unique_ptr<cohort::Listener> listen(const std::string& bind) override {
    auto listening = listen_at(bind, settings_);
    auto beside = listen_beside(listening.address, by_, settings_.backlog);
    return std::make_unique<TcpListener>(std::move(listening), std::move(beside), by_, settings_);
  }

  IoPair connect(const std::string& address, cohort::Clock::time_point deadline) override {
    auto socket = dial_beside(address, by_);
    if (!socket) return to_pair(dial(address, deadline), settings_);
    if (by_ == SameHost::unix_socket) return cohort::make_socket_pair(socket.release());
    try {
      return cohort_shm::take_rings(std::move(socket), deadline, "cannot connect to " + address);
    } catch (const cohort::TimeoutError&) {  // TCP would not find it any better
      throw;
    } catch (const cohort::Error&) {  // this process cannot use the memory
      return to_pair(dial(address, deadline), settings_);
    }
  }

 private:
  const TcpSettings settings_;
  const SameHost by_;
};

}  // namespace

COHORT_TRANSPORT("tcp", TcpTransport, "0.2.0", tcp_options)
