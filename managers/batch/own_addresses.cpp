#include "own_addresses.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <memory>
#include <set>

namespace cohort::batch {
namespace {

// Loopback addresses are those of this host only: a worker on another one would reach a stranger there.
std::set<std::string> addresses_of_this_host() {
  std::set<std::string> found;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) < 0) return found;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owned(list, &::freeifaddrs);
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    const bool is_used = (entry->ifa_flags & IFF_UP) != 0 && (entry->ifa_flags & IFF_LOOPBACK) == 0;
    if (!is_used || entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET) continue;
    const in_addr address = reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr;
    if (ntohl(address.s_addr) >> 16 == 0xA9FE) continue;  // 169.254.0.0/16 is of one link
    char text[INET_ADDRSTRLEN];
    if (::inet_ntop(AF_INET, &address, text, sizeof text) != nullptr) found.emplace(text);
  }
  return found;
}

}  // namespace

std::vector<std::string> other_addresses(const std::string& listen, const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == address.npos || (listen != "0.0.0.0" && !listen.starts_with("0.0.0.0:"))) return {};
  std::vector<std::string> others;
  for (const auto& host : addresses_of_this_host()) {
    std::string other = host + address.substr(colon);
    if (other != address) others.push_back(std::move(other));
  }
  return others;
}

}  // namespace cohort::batch
