// The transport "courier": byte streams over TCP, IPv4.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

#include <cohort/file_descriptor.hpp>
#include <cohort/plugin.hpp>

namespace {

// Every option has one row. Parsing, error messages, the schema and `cohort plugin info` use it.
constexpr cohort::Option options[] = {
    {"address", cohort::OptionType::string, "\"127.0.0.1\"", "listen there, unless a worker is told another address",
     nullptr},
};

std::string cause(int error) { return ": " + std::generic_category().message(error); }

// Reads "10.0.0.7:9123"; without a port, the address means any free port.
sockaddr_in parse(const std::string& address, const std::string& what) {
  const auto colon = address.find(':');
  const std::string host = address.substr(0, colon);
  const std::string port = colon == std::string::npos ? "0" : address.substr(colon + 1);
  sockaddr_in parsed{};
  parsed.sin_family = AF_INET;
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  const bool right_port = error == std::errc() && end == port.data() + port.size();
  if (!right_port || ::inet_pton(AF_INET, host.c_str(), &parsed.sin_addr) != 1)
    throw cohort::Error(what + ": the address must be like 10.0.0.7:9123");
  parsed.sin_port = htons(number);
  return parsed;
}

const sockaddr* generic(const sockaddr_in& address) { return reinterpret_cast<const sockaddr*>(&address); }

std::string own_address(int socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  char host[INET_ADDRSTRLEN] = "";
  ::inet_ntop(AF_INET, &address.sin_addr, host, sizeof host);
  return std::string(host) + ':' + std::to_string(ntohs(address.sin_port));
}

// From here on the core does everything: authentication, framing, heartbeats.
cohort::IoPair to_pair(cohort::FileDescriptor socket) {
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return cohort::make_socket_pair(socket.release());
}

class CourierListener final : public cohort::Listener {
 public:
  explicit CourierListener(cohort::FileDescriptor socket)
      : socket_(std::move(socket)), address_(own_address(socket_.get())) {}

  std::string address() const override { return address_; }
  int descriptor() const override { return socket_.get(); }

  std::optional<cohort::IoPair> accept() override {
    cohort::FileDescriptor accepted(::accept4(socket_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!accepted) return std::nullopt;
    return to_pair(std::move(accepted));
  }

 private:
  const cohort::FileDescriptor socket_;
  const std::string address_;
};

class Courier final : public cohort::Transport {
 public:
  explicit Courier(const cohort::Options& given) : address_(given.string("address")) {}

  std::unique_ptr<cohort::Listener> listen(const std::string& bind) override {
    const std::string what = "cannot listen at " + (bind.empty() ? address_ : bind);
    const sockaddr_in address = parse(bind.empty() ? address_ : bind, what);
    cohort::FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket || ::bind(socket.get(), generic(address), sizeof address) < 0 || ::listen(socket.get(), SOMAXCONN) < 0)
      throw cohort::Error(what + cause(errno));
    return std::make_unique<CourierListener>(std::move(socket));
  }

  // May block, but only until the deadline.
  cohort::IoPair connect(const std::string& address, cohort::Clock::time_point deadline) override {
    const std::string what = "cannot connect to " + address;
    const sockaddr_in peer = parse(address, what);
    cohort::FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) throw cohort::Error(what + cause(errno), cohort::ErrorKind::overloaded);
    int error = ::connect(socket.get(), generic(peer), sizeof peer) == 0 ? 0 : errno;
    if (error == EINPROGRESS) {
      pollfd done{socket.get(), POLLOUT, 0};
      while (::poll(&done, 1, cohort::poll_timeout(deadline)) <= 0)
        if (cohort::Clock::now() >= deadline) throw cohort::TimeoutError(what + cause(ETIMEDOUT));
      socklen_t size = sizeof error;
      ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    }
    // A socket that connects to a free port of its own host may get that port itself, and so be connected to itself.
    if (error == 0 && own_address(socket.get()) == address) error = ECONNREFUSED;
    if (error != 0) throw cohort::Error(what + cause(error), cohort::ErrorKind::disconnected);
    return to_pair(std::move(socket));
  }

 private:
  const std::string address_;
};

}  // namespace

COHORT_TRANSPORT("courier", Courier, "0.1.0", options)
