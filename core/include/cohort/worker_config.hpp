#pragma once

#include <any>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <cohort/types.hpp>

namespace cohort::detail {
class Arrival;
}

namespace COHORT_EXPORT cohort {

/// Where a launched worker's output can be read. The owner of the WorkerConfig owns the descriptors; the core closes
/// them at end of file.
struct WorkerOutput {
  int out = -1;  ///< descriptor of its standard output; the worker announces its address there
  int err = -1;  ///< descriptor of its standard error, or -1
};

/// What a cluster manager knows of a worker that it launched, and what the core adds when the worker joins.
/// The fields are those of Distributed's WorkerConfig that have a meaning here. A manager sets `io`, or `host` and
/// `port`, or `connect_at`, and the others as needed.
struct WorkerConfig {
  std::optional<WorkerOutput>
      io;            ///< set: the address is read from the worker's output ("cohort_worker:<port>#<addr>")
  std::string host;  ///< name or address to connect to; kept if set, otherwise the announced one
  int port = 0;

  /// Total number of workers on this host. The first one launches the others and forwards their output; they are
  /// removed and die with it.
  int count = 1;
  bool count_auto = false;  ///< instead, one for each CPU of that host
  std::string exename;      ///< program of the additional workers; empty: the first one's own
  std::vector<std::string> exeflags;

  std::any userdata;  ///< the manager's own; untouched by the core

  bool tunnel = false;
  std::string bind_addr;  ///< address at which the worker listens
  std::vector<std::string> sshflags;

  std::string connect_at;  ///< address to which other workers connect; set by connect(), sent to peers unchanged

  std::string ident;                        ///< name in a custom topology
  std::vector<std::string> connect_idents;  ///< workers to which it connects there: names, "node[01-04]", "node*"

  /// The connection by which the worker came, if a WorkerAcceptor passed it: connect() is not called for it then.
  std::shared_ptr<detail::Arrival> arrival;

  bool leaving = false;  ///< set by the core before its calls: somebody wants the worker's end, it is not lost
  int ospid = 0;         ///< process id on its host; if the manager does not set it, it is set when the worker joins
  int threads = 1;       ///< functions that may run at once on the worker
};

}  // namespace cohort
