#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <string>
#include <vector>

namespace cohort_tcp {

/// A numeric address with its port.
class SocketAddress {
 public:
  SocketAddress() = default;
  SocketAddress(const sockaddr* address, socklen_t size);
  static SocketAddress of_socket(int socket);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }
  int family() const { return storage_.ss_family; }
  int port() const;
  void set_port(int port);
  bool is_wildcard() const;
  /// Whether it is neither a loopback address nor a link-local one.
  bool is_reachable_from_elsewhere() const;
  std::string text() const;  ///< "127.0.0.1:9123", "[::1]:9123"
  std::string host() const;  ///< the same without port and brackets
  /// Whether the first `bits` bits are those of `network`.
  bool is_in(const SocketAddress& network, int bits) const;
  bool operator==(const SocketAddress& other) const;

 private:
  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

struct HostPort {
  std::string host;
  int port = 0;
};

/// "host:port", with brackets around an IPv6 address.
std::string join(const std::string& host, int port);

/// Where to listen: ports from first_port to last_port, the first free one; 0: any.
struct BindAddress {
  std::string host;  ///< empty: not said
  int first_port = 0;
  int last_port = 0;
};

/// "host:port" or "[v6]:port". @throws Error starting with `what`.
HostPort parse_host_port(const std::string& text, const std::string& what);

/// "", "host", "host:port", "host:from-to"; an IPv6 address with a port in brackets. @throws ConfigError.
BindAddress parse_bind(const std::string& text);

/// Returns the first address of this host on an interface ("eth1") or in a network ("10.2.0.0/16", "fd00::/8"); IPv4
/// before IPv6, link-local addresses last. @throws ConfigError with the addresses that exist.
std::string address_on(const std::string& interface_or_network);

/// The addresses of a name or numeric address, at least one, without ports. @throws Error starting with `what`.
std::vector<SocketAddress> resolve(const std::string& host, const std::string& what);

/// The address to which others connect to reach a listening socket: its own, or for a wildcard one of this host's.
std::string announced_address(SocketAddress listening);

}  // namespace cohort_tcp
