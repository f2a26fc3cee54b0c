#pragma once

#include <concepts>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <cohort/fwd.hpp>
#include <cohort/option_values.hpp>
#include <cohort/timeouts.hpp>
#include <cohort/types.hpp>
#include <cohort/wait_options.hpp>

namespace COHORT_EXPORT cohort {

namespace detail {
std::vector<Pid> add_cluster(const ClusterFile& file, const WaitOptions& options);
}

/// How the workers of one addprocs call are started and connected.
struct AddprocsOptions {
  /// Which workers are connected to each other; fixed while workers exist. "all_to_all" (default), "master_worker",
  /// "custom" (by ident and connect_idents), "ring", "grid", "grid:RxC", "torus", "torus:RxC", "tree:K", "hypercube".
  std::optional<std::string> topology{};
  std::optional<bool> lazy{};  ///< all_to_all only: connect workers at their first message (default), or at once
  std::optional<Unconnected> unconnected{};  ///< by default an error; fixed while workers exist
  /// Names of the workers in a custom topology, if their manager gives none: "node[01-16]", one for each worker in
  /// order, or one name for all.
  std::string ident{};
  /// Names of the workers to which they connect, if their manager gives none: "node[01-04]", "node*". A name that
  /// matches no worker is a ConfigError, thrown when the workers are up.
  std::vector<std::string> connect_idents{};
  std::string exename{};                ///< program of the workers; empty: this one
  std::vector<std::string> exeflags{};  ///< more arguments for it
  std::string dir{};                    ///< their working directory; empty: this one's
  std::optional<int> threads{};         ///< functions that may run at once on each; not set: what the manager says
  std::optional<Timeouts> timeouts{};   ///< of the cluster from now on; not set: unchanged
  /// How many workers are enough: "all", a number "12" or a percentage "50%" of the requested workers. If at least that
  /// many come up, failures are only warnings; with fewer, addprocs throws and none of the workers stays. Not set: all
  /// are needed, and if addprocs throws, the workers that came up stay. A launch that timeouts.launch ended counts as a
  /// failure.
  std::optional<std::string> min{};
  /// Cancel the launch when the deadline passes or a stop is requested: its workers are ended, within timeouts.term and
  /// timeouts.kill, and addprocs throws TimeoutError or CancelledException. The manager's launch() is asked to stop. If
  /// it does not return within a second, addprocs does not wait for it, and workers that it starts later are ended at
  /// that time. addprocs waits all the same until another thread has added or removed its workers, until modules are
  /// loaded, and for callbacks (WorkerCallbacks::limit).
  Deadline deadline{};
  std::stop_token stop_token{};
};

/// Starts local workers, by default one for each CPU, and waits until they have joined.
/// @return their pids in ascending order.
/// @throws LaunchError, or CompositeException for several errors: workers that came up stay, unless `min` is set.
/// @throws Error "Only process 1 can add and remove workers" on a worker.
std::vector<Pid> addprocs(const AddprocsOptions& options = {});
std::vector<Pid> addprocs(int count, const AddprocsOptions& options = {});
/// Starts workers with a manager plugin: `addprocs("ssh", {{"machines", {"node1", "4*node2"}}})`. @param manager its
/// name, or a path with a '/'.
std::vector<Pid> addprocs(const std::string& manager, const OptionValues& manager_options,
                          const AddprocsOptions& options = {});
/// Starts workers with a manager of the program's own.
std::vector<Pid> addprocs(std::shared_ptr<ClusterManager> manager, const AddprocsOptions& options = {});
/// Loads the modules of a cluster file, then starts all its workers. @param options cancel it, as those of
/// AddprocsOptions.
/// @throws PluginError too, as load_module().
template <std::same_as<ClusterFile> File>  // and nothing that one could be made from, like {{"count", 4}}
std::vector<Pid> addprocs(const File& file, const WaitOptions& options = {}) {
  return detail::add_cluster(file, options);
}

struct RmprocsOptions {
  /// How long to wait; zero: do not wait; a negative value is a ConfigError. rmprocs also stops waiting when one
  /// worker, or a function of its manager, takes longer than twice the sum of timeouts.shutdown, term and kill and some
  /// seconds.
  Duration waitfor = never;
};
/// Removes workers: asks them to exit, and ends those that do not. Ignores unknown pids, and pid 1 with a warning.
/// @throws Error "rmprocs: pids [..] not terminated after T seconds.", with the functions of managers that still run.
void rmprocs(const std::vector<Pid>& pids, const RmprocsOptions& options = {});
void rmprocs(Pid pid, const RmprocsOptions& options = {});

/// Interrupts the functions that the workers run: cohort's blocking functions in them throw InterruptedException, and
/// this_call().stop_requested() becomes true. A function that never checks continues. No worker ends: use rmprocs() for
/// that. An idle worker is not affected. Returns when all functions have stopped, or after about a second. Master only.
void interrupt(const std::vector<Pid>& pids);
void interrupt();

Pid myid();
int nprocs();
int nworkers();
/// All processes in ascending order, the master first. It, nprocs(), workers() and nworkers() throw Error on a worker
/// that has not joined its cluster yet.
std::vector<Pid> procs();
/// All processes on the same host as process `pid`, in ascending order. A worker asks the master. @throws Error if
/// `pid` never existed, ProcessExitedException if it is gone.
std::vector<Pid> procs(Pid pid);
/// Where a process runs.
struct ProcessInfo {
  std::string host;     ///< the name of its machine, or container
  int ospid = 0;        ///< its process id there
  int threads = 1;      ///< functions that may run at once on it
  std::string manager;  ///< the id of the manager that launched it; "" for the master
};
/// A worker asks the master. @throws as procs(pid).
ProcessInfo process_info(Pid pid);
/// All workers in ascending order; if there is none, the master.
std::vector<Pid> workers();
bool is_worker_process();

/// The secret by which the processes of this cluster authenticate each other: 64 random hexadecimal digits. Do not
/// print it.
std::string cluster_cookie();
/// Sets the secret, before workers exist. Anyone who can guess it can run programs as you. @param cookie one line of 16
/// to 4096 bytes. @throws ConfigError for any other text.
std::string cluster_cookie(const std::string& cookie);

/// Measures the round trip of an empty message. The other process answers even while its functions compute.
/// @throws TimeoutError, ProcessExitedException; ConfigError if the timeout is negative.
Duration ping(Pid pid, Duration timeout = std::chrono::seconds(60));

/// The values that a process keeps because other processes hold handles on them: futures, channels and objects.
struct ReferenceTable {
  struct Entry {
    Pid whence = no_pid;  ///< the process that chose its id
    std::uint64_t id = 0;
    std::string kind;          ///< "future", "channel" or "object"
    std::vector<Pid> clients;  ///< processes that hold handles
    std::uint64_t bytes = 0;   ///< of encoded values
  };
  std::vector<Entry> entries;
};
/// Asks process `pid` for its table. It answers even while its functions compute.
ReferenceTable refs(Pid pid);
/// The number of entries of that table.
std::size_t reference_count(Pid pid);

}  // namespace cohort
