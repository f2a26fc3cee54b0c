#pragma once

#include <string>
#include <vector>

namespace cohort::batch {

/// At which other addresses a listener can be reached, if it listens at all IPv4 addresses of this host ("0.0.0.0"):
/// those of its other networks, with the same port. Empty: it listens at one.
/// @param listen where it was to listen. @param address that the transport announces: "10.2.0.1:9123".
std::vector<std::string> other_addresses(const std::string& listen, const std::string& address);

}  // namespace cohort::batch
