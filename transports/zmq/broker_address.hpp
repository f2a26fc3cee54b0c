#pragma once

#include <string>

namespace cohort_zmq {

// Where a broker is: "tcp://HOST:PORT", "ipc://PATH", "ipc://@NAME"; and where one is to listen: also "tcp://HOST:*",
// any free port.

/// @throws ConfigError unless a broker can be there, or listen there: another form, or a port that is none. ZeroMQ
/// itself takes 70000 for 4464.
void check_broker_address(const std::string& address);

/// The same address as ZeroMQ can listen at: it knows interfaces and numeric addresses, but no names of hosts.
/// @throws ConfigError as check_broker_address(), and for a name that is not found.
std::string listening_address(const std::string& address);

}  // namespace cohort_zmq
