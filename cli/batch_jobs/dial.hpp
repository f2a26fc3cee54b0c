#pragma once

#include <string>
#include <vector>

#include <cohort/file_descriptor.hpp>

namespace cohort::cli {

/// Listens where a master of batch jobs would, so that a node can try whether it reaches this host. Nobody accepts: the
/// kernel does.
class DialTarget {
 public:
  /// @param listen the option of the manager: "10.2.0.1", "10.2.0.1:9500"; empty: all IPv4 addresses. Where a port is
  /// given, the master itself listens there. @throws Error.
  explicit DialTarget(const std::string& listen);
  /// At which it can be dialled: "10.2.0.1:9123".
  const std::vector<std::string>& addresses() const { return addresses_; }

 private:
  FileDescriptor socket_;
  std::vector<std::string> addresses_;
};

/// What a node says of addresses. Travels as a result.
struct DialReport {
  std::string host;                   ///< the node's name
  std::string came_by;                ///< the host among the addresses to which this process is connected; may be empty
  std::vector<std::string> failures;  ///< by address; empty: it was reached
};

/// Dials all addresses at once. Called remotely. @param seconds after which those that do not answer have failed.
DialReport dial_all(const std::vector<std::string>& addresses, double seconds);

}  // namespace cohort::cli
