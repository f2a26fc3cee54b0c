#pragma once

#include <string>

namespace cohort_zmq {

// Where a broker is: "tcp://HOST:PORT", "ipc://PATH", "ipc://@NAME"; and where one is to listen: also "tcp://HOST:*",
// any free port.

/// @throws ConfigError if no broker can be at this address, or listen there: a wrong form, or a wrong port. ZeroMQ
/// itself would use port 4464 for 70000.
void check_broker_address(const std::string& address);

/// Returns the address in a form at which ZeroMQ can listen: it knows interfaces and numeric addresses, but no host
/// names.
/// @throws ConfigError as check_broker_address(), and for a name that is not found.
std::string listening_address(const std::string& address);

}  // namespace cohort_zmq
