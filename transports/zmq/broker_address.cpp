#include "broker_address.hpp"

#include <net/if.h>
#include <netdb.h>
#include <sys/socket.h>

#include <charconv>
#include <memory>
#include <string_view>

#include <cohort/error.hpp>

namespace cohort_zmq {
namespace {

constexpr std::string_view tcp = "tcp://";
constexpr std::string_view ipc = "ipc://";

bool is_port(std::string_view text) {
  unsigned port = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, port);
  return parsed.ec == std::errc() && parsed.ptr == end && port <= 65535;
}

/// Of "tcp://HOST:PORT".
std::string_view host_of(std::string_view address) {
  return address.substr(tcp.size(), address.rfind(':') - tcp.size());
}

}  // namespace

void check_broker_address(const std::string& address) {
  const bool is_ipc = address.starts_with(ipc) && address.size() > ipc.size() && address != "ipc://*";
  if (is_ipc) return;
  const auto colon = address.rfind(':');
  if (!address.starts_with(tcp) || colon <= tcp.size())
    throw cohort::ConfigError("zmq: '" + address +
                              "' is no address of a broker; it is tcp://HOST:PORT, ipc://PATH or ipc://@NAME");
  const std::string port = address.substr(colon + 1);
  if (port != "*" && !is_port(port))
    throw cohort::ConfigError("zmq: '" + address + "': '" + port +
                              "' is no port from 0 to 65535, and not *, any free one");
}

std::string listening_address(const std::string& address) {
  check_broker_address(address);
  if (!address.starts_with(tcp)) return address;
  const std::string host(host_of(address));
  if (host == "*" || host.starts_with('[') || if_nametoindex(host.c_str()) != 0) return address;
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(list, &::freeaddrinfo);
  char numeric[NI_MAXHOST] = "";
  if (error != 0 ||
      ::getnameinfo(list->ai_addr, list->ai_addrlen, numeric, sizeof numeric, nullptr, 0, NI_NUMERICHOST) != 0)
    throw cohort::ConfigError("zmq: '" + address + "': '" + host +
                              "' is no address of this host, no interface and no name: " + ::gai_strerror(error) +
                              "; tcp://*:PORT listens at all addresses");
  return std::string(tcp) + numeric + address.substr(address.rfind(':'));
}

}  // namespace cohort_zmq
