#include "tcp_address.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

namespace cohort_tcp {
namespace {

std::optional<int> parse_port(std::string_view text) {
  int port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port < 0 || port > 65535) return std::nullopt;
  return port;
}

struct HostAndRest {
  std::string_view host;
  std::optional<std::string_view> rest;  // after the ':' that ends the host
};

// "host", "host:rest", "[v6]", "[v6]:rest", or an IPv6 address without brackets, which has no rest.
std::optional<HostAndRest> split_host(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == text.npos) return std::nullopt;
    const std::string_view after = text.substr(end + 1);
    if (after.empty()) return HostAndRest{text.substr(1, end - 1), std::nullopt};
    if (!after.starts_with(':')) return std::nullopt;
    return HostAndRest{text.substr(1, end - 1), after.substr(1)};
  }
  const std::size_t colon = text.find(':');
  if (colon == text.npos || text.find(':', colon + 1) != text.npos) return HostAndRest{text, std::nullopt};
  return HostAndRest{text.substr(0, colon), text.substr(colon + 1)};
}

const sockaddr_in& v4(const sockaddr_storage& storage) { return reinterpret_cast<const sockaddr_in&>(storage); }
const sockaddr_in6& v6(const sockaddr_storage& storage) { return reinterpret_cast<const sockaddr_in6&>(storage); }

std::optional<SocketAddress> address_of_this_host(int preferred_family) {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) < 0) return std::nullopt;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owned(list, &::freeifaddrs);
  std::optional<SocketAddress> found;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) continue;
    const int family = entry->ifa_addr->sa_family;
    // A listener at "::" takes IPv4 as well, one at "0.0.0.0" does not take IPv6.
    if (family != AF_INET && (family != AF_INET6 || preferred_family != AF_INET6)) continue;
    const SocketAddress address(entry->ifa_addr, family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    if (!address.is_reachable_from_elsewhere()) continue;
    if (family == preferred_family) return address;
    if (!found) found = address;
  }
  return found;
}

[[noreturn]] void refuse_bind(const std::string& text) {
  throw cohort::ConfigError("cannot listen at '" + cohort::excerpt(text) +
                            "': give an address, address:port or address:first-last, with IPv6 addresses in brackets");
}

}  // namespace

SocketAddress::SocketAddress(const sockaddr* address, socklen_t size) : size_(size) {
  std::memcpy(&storage_, address, size);
}

SocketAddress SocketAddress::of_socket(int socket) {
  SocketAddress own;
  own.size_ = sizeof own.storage_;
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&own.storage_), &own.size_);
  return own;
}

int SocketAddress::port() const { return ntohs(family() == AF_INET6 ? v6(storage_).sin6_port : v4(storage_).sin_port); }

void SocketAddress::set_port(int port) {
  const in_port_t number = htons(static_cast<std::uint16_t>(port));
  if (family() == AF_INET6) {
    reinterpret_cast<sockaddr_in6&>(storage_).sin6_port = number;
  } else {
    reinterpret_cast<sockaddr_in&>(storage_).sin_port = number;
  }
}

bool SocketAddress::is_wildcard() const {
  if (family() == AF_INET6) return IN6_IS_ADDR_UNSPECIFIED(&v6(storage_).sin6_addr);
  return v4(storage_).sin_addr.s_addr == htonl(INADDR_ANY);
}

bool SocketAddress::is_reachable_from_elsewhere() const {
  if (family() == AF_INET6) {
    const in6_addr& address = v6(storage_).sin6_addr;
    return !IN6_IS_ADDR_LOOPBACK(&address) && !IN6_IS_ADDR_LINKLOCAL(&address);
  }
  const std::uint32_t address = ntohl(v4(storage_).sin_addr.s_addr);
  return address >> 24 != 127 && address >> 16 != 0xA9FE;  // 169.254.0.0/16
}

std::string SocketAddress::host() const {
  char text[NI_MAXHOST] = "";
  ::getnameinfo(get(), size_, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  return text;
}

std::string SocketAddress::text() const { return join(host(), port()); }

bool SocketAddress::is_in(const SocketAddress& network, int bits) const {
  if (family() != network.family()) return false;
  const auto bytes_of = [](const SocketAddress& address) {
    return address.family() == AF_INET6 ? v6(address.storage_).sin6_addr.s6_addr
                                        : reinterpret_cast<const std::uint8_t*>(&v4(address.storage_).sin_addr);
  };
  const std::uint8_t* mine = bytes_of(*this);
  const std::uint8_t* theirs = bytes_of(network);
  for (; bits >= 8; bits -= 8)
    if (*mine++ != *theirs++) return false;
  return bits == 0 || (*mine ^ *theirs) >> (8 - bits) == 0;
}

bool SocketAddress::operator==(const SocketAddress& other) const {
  if (family() != other.family() || port() != other.port()) return false;
  if (family() == AF_INET6) return IN6_ARE_ADDR_EQUAL(&v6(storage_).sin6_addr, &v6(other.storage_).sin6_addr);
  return v4(storage_).sin_addr.s_addr == v4(other.storage_).sin_addr.s_addr;
}

std::string join(const std::string& host, int port) {
  const bool ipv6 = host.find(':') != std::string::npos && !host.starts_with('[');
  return (ipv6 ? '[' + host + ']' : host) + ':' + std::to_string(port);
}

HostPort parse_host_port(const std::string& text, const std::string& what) {
  const auto parts = split_host(text);
  const auto port = parts && parts->rest ? parse_port(*parts->rest) : std::nullopt;
  if (!port || *port == 0 || parts->host.empty())
    throw cohort::Error(
        what +
        ": the address must be host:port, or [host]:port for IPv6; does the process there use another transport?");
  return {std::string(parts->host), *port};
}

BindAddress parse_bind(const std::string& text) {
  const auto parts = split_host(text);
  if (!parts) refuse_bind(text);
  BindAddress bind{std::string(parts->host), 0, 0};
  if (!parts->rest) return bind;
  const std::size_t dash = parts->rest->find('-');
  const auto first = parse_port(parts->rest->substr(0, dash));
  const auto last = dash == parts->rest->npos ? first : parse_port(parts->rest->substr(dash + 1));
  if (!first || !last || *last < *first || (*first == 0 && *last != 0)) refuse_bind(text);
  bind.first_port = *first;
  bind.last_port = *last;
  return bind;
}

std::string address_on(const std::string& interface_or_network) {
  const std::string what = "interface '" + cohort::excerpt(interface_or_network) + "': ";
  const std::size_t slash = interface_or_network.find('/');
  std::optional<SocketAddress> network;
  int bits = 0;
  if (slash != std::string::npos) {
    const auto length = parse_port(std::string_view(interface_or_network).substr(slash + 1));
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST;
    addrinfo* list = nullptr;
    const int error = ::getaddrinfo(interface_or_network.substr(0, slash).c_str(), nullptr, &hints, &list);
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(list, &::freeaddrinfo);
    if (error == 0) network.emplace(list->ai_addr, list->ai_addrlen);
    if (!network || !length || *length > (network->family() == AF_INET6 ? 128 : 32))
      throw cohort::ConfigError(what + "give an interface's name, or a network as 10.2.0.0/16 or fd00::/8");
    bits = *length;
  }
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) < 0) throw cohort::Error(what + std::strerror(errno));
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owned(list, &::freeifaddrs);
  std::string there;
  std::optional<SocketAddress> best;
  int best_rank = 0;
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    const int family = entry->ifa_addr == nullptr ? AF_UNSPEC : entry->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    const SocketAddress address(entry->ifa_addr, family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
    there += (there.empty() ? "" : ", ") + std::string(entry->ifa_name) + ' ' + address.host();
    if (network ? !address.is_in(*network, bits) : interface_or_network != entry->ifa_name) continue;
    const int rank = (family == AF_INET ? 2 : 1) + (address.is_reachable_from_elsewhere() ? 2 : 0);
    if (rank > best_rank) best = address;
    best_rank = std::max(rank, best_rank);
  }
  if (!best) throw cohort::ConfigError(what + "this host has no such address; it has: " + there);
  return best->host();
}

std::vector<SocketAddress> resolve(const std::string& host, const std::string& what) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST;  // no look-up where none is needed
  addrinfo* list = nullptr;
  int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (error == EAI_NONAME) {
    hints.ai_flags = AI_ADDRCONFIG;
    error = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  }
  if (error != 0) {
    const std::string cause = error == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(error);
    throw cohort::Error(what + ": host '" + cohort::excerpt(host) + "': " + cause, cohort::ErrorKind::disconnected);
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(list, &::freeaddrinfo);
  std::vector<SocketAddress> addresses;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next)
    addresses.emplace_back(entry->ai_addr, entry->ai_addrlen);
  return addresses;
}

std::string announced_address(SocketAddress listening) {
  if (!listening.is_wildcard()) return listening.text();
  const int port = listening.port();
  if (auto found = address_of_this_host(listening.family())) {
    found->set_port(port);
    return found->text();
  }
  return (listening.family() == AF_INET6 ? "[::1]:" : "127.0.0.1:") + std::to_string(port);
}

}  // namespace cohort_tcp
