#include "dial.hpp"

#include <dirent.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "../job.hpp"
#include "batch/own_addresses.hpp"

namespace cohort::cli {
namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

struct HostAndPort {
  std::string host, port;
};

// "10.2.0.1:9123", "[fe80::1]:9123", "node1", "fe80::1".
HostAndPort parted(std::string_view address) {
  HostAndPort parts;
  if (address.starts_with('[')) {
    const auto end = std::min(address.find(']'), address.size());
    parts.host = address.substr(1, end - 1);
    if (const auto colon = address.find(':', end); colon != address.npos) parts.port = address.substr(colon + 1);
  } else if (const auto colon = address.rfind(':'); colon != address.npos && address.find(':') == colon) {
    parts = {std::string(address.substr(0, colon)), std::string(address.substr(colon + 1))};
  } else {
    parts.host = address;
  }
  return parts;
}

std::string joined(const std::string& host, const std::string& port) {
  return (host.find(':') == host.npos ? host : '[' + host + ']') + ':' + port;
}

// @throws Error.
AddressList resolve(const HostAndPort& address, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(address.host.c_str(), address.port.c_str(), &hints, &list);
  if (error != 0) throw Error(::gai_strerror(error));
  return {list, &::freeaddrinfo};
}

HostAndPort name_of(const sockaddr_storage& address, socklen_t size) {
  char host[NI_MAXHOST] = "", port[NI_MAXSERV] = "";
  ::getnameinfo(reinterpret_cast<const sockaddr*>(&address), size, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
  return {host, port};
}

std::string text_of(int error) { return std::generic_category().message(error); }

// The other end of one of this process's connections, if it is one of these hosts.
std::string connected_host(const std::vector<std::string>& addresses) {
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", none)) {
    int descriptor = -1;
    const std::string name = entry.path().filename();
    std::from_chars(name.data(), name.data() + name.size(), descriptor);
    sockaddr_storage peer{};
    socklen_t size = sizeof peer;
    if (::getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &size) != 0) continue;
    if (peer.ss_family != AF_INET && peer.ss_family != AF_INET6) continue;
    const std::string host = name_of(peer, size).host;
    for (const auto& address : addresses)
      if (parted(address).host == host) return host;
  }
  return "";
}

// One connection that is being made.
struct Dial {
  FileDescriptor socket;
  std::optional<std::string> end;  // "": it was reached; else why not

  explicit Dial(const std::string& address) {
    try {
      const auto list = resolve(parted(address), AI_NUMERICSERV);
      socket.reset(::socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      if (::connect(socket.get(), list->ai_addr, list->ai_addrlen) == 0)
        end = "";
      else if (errno != EINPROGRESS)
        end = text_of(errno);
    } catch (const Error& error) {
      end = error.what();
    }
  }

  void take_result() {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    end = error == 0 ? "" : text_of(error);
  }
};

}  // namespace

DialTarget::DialTarget(const std::string& listen) {
  HostAndPort address = parted(listen.empty() ? "0.0.0.0" : listen);
  if (!address.port.empty() && address.port != "0") {
    addresses_.push_back(joined(address.host, address.port));
    if (address.host == "0.0.0.0") addresses_ = cohort::batch::other_addresses(address.host, addresses_.front());
    return;
  }
  address.port = "0";
  const auto list = resolve(address, AI_PASSIVE | AI_NUMERICSERV);
  socket_.reset(::socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  if (::bind(socket_.get(), list->ai_addr, list->ai_addrlen) != 0 || ::listen(socket_.get(), 64) != 0 ||
      ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&bound), &size) != 0)
    throw Error("cannot listen at " + excerpt(address.host) + ": " + text_of(errno));
  const HostAndPort found = name_of(bound, size);
  addresses_.push_back(joined(found.host, found.port));
  if (found.host == "0.0.0.0") addresses_ = cohort::batch::other_addresses(found.host, addresses_.front());
}

DialReport dial_all(const std::vector<std::string>& addresses, double seconds) {
  DialReport report{.host = host_name(), .came_by = connected_host(addresses), .failures = {}};
  const auto deadline = deadline_after(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds)));
  std::vector<Dial> dials;
  for (const auto& address : addresses) dials.emplace_back(address);
  for (;;) {
    std::vector<pollfd> polled;
    for (const auto& dial : dials) polled.push_back({dial.end ? -1 : dial.socket.get(), POLLOUT, 0});
    if (std::ranges::all_of(dials, [](const Dial& dial) { return dial.end.has_value(); })) break;
    const int ready = ::poll(polled.data(), polled.size(), poll_timeout(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) break;
    for (std::size_t i = 0; i < dials.size(); ++i)
      if (polled[i].revents != 0) dials[i].take_result();
  }
  for (const auto& dial : dials) report.failures.push_back(dial.end.value_or("no answer"));
  return report;
}

}  // namespace cohort::cli
