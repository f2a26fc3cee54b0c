#pragma once

#include <any>
#include <optional>
#include <string>
#include <vector>

#include <cohort/types.hpp>

namespace cohort {

/// Where a launched worker's output can be read. Owned by whoever holds the WorkerConfig; closed by the core at end of
/// file.
struct WorkerOutput {
  int out = -1;  ///< descriptor of its standard output; the port line comes here
  int err = -1;  ///< descriptor of its standard error, or -1
};

/// What a cluster manager tells about one worker it launched, and what the core adds as the worker joins.
/// The fields are those of Distributed's WorkerConfig that mean something here. A manager sets `io`, or `host` and
/// `port`, or `connect_at`; the rest as it needs.
struct WorkerConfig {
  std::optional<WorkerOutput>
      io;            ///< set: the address is read from the worker's output ("cohort_worker:<port>#<addr>")
  std::string host;  ///< name or address to dial; kept if set, else the announced one
  int port = 0;

  /// Workers on this host in all. The first one launches the others: what they print comes by it, and they are removed
  /// and die with it.
  int count = 1;
  bool count_auto = false;  ///< one per CPU of that host instead
  std::string exename;      ///< program of the additional workers; empty: the first one's own
  std::vector<std::string> exeflags;

  std::any userdata;  ///< the manager's own; untouched by the core

  bool tunnel = false;
  std::string bind_addr;  ///< address that the worker listens at
  std::vector<std::string> sshflags;

  std::string connect_at;  ///< what other workers dial; set by connect(), sent to peers as it is

  std::string ident;                        ///< name in a custom topology
  std::vector<std::string> connect_idents;  ///< workers it connects to there: names, "node[01-04]", "node*"

  int ospid = 0;    ///< process id on its host; set at join if the manager did not
  int threads = 1;  ///< functions that may run at once on the worker
};

}  // namespace cohort
