#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <cohort/fwd.hpp>
#include <cohort/timeouts.hpp>
#include <cohort/types.hpp>

namespace cohort {

/// How the workers of one addprocs call are started and connected.
struct AddprocsOptions {
  /// Which workers are connected to each other; fixed while workers exist. "all_to_all" (default), "master_worker",
  /// "custom" (by ident and connect_idents), "ring", "grid", "grid:RxC", "torus", "torus:RxC", "tree:K", "hypercube".
  std::optional<std::string> topology{};
  std::optional<bool> lazy{};  ///< all_to_all only: connect workers at their first message (default), or at once
  /// What becomes of a message to a worker that is not connected: "error" (default), or "relay": it goes through the
  /// master. Fixed while workers exist.
  std::optional<std::string> unconnected{};
  /// Names of the workers in a custom topology, where their manager gives none: "node[01-16]", one for each in order,
  /// or one name for all.
  std::string ident{};
  /// Names of those they connect to, where their manager gives none: "node[01-04]", "node*". One that matches nobody is
  /// a ConfigError, once the workers are up.
  std::vector<std::string> connect_idents{};
  std::string exename{};                ///< program of the workers; empty: this one
  std::vector<std::string> exeflags{};  ///< more arguments for it
  std::string dir{};                    ///< their working directory; empty: this one's
  std::optional<Timeouts> timeouts{};   ///< the cluster's from now on; default: as they are
  /// How many workers are enough: "all", a number "12" or a percentage "50%" of those wanted. With so many, what failed
  /// is a warning; with fewer addprocs throws and none of them stays. Not set: all, and those that came up stay. A
  /// launch that timeouts.launch cut short is among what failed.
  std::optional<std::string> min{};
  /// Gives the launch up when it is requested: its workers are ended, within timeouts.term and timeouts.kill, and
  /// addprocs throws InterruptedException. A manager's launch() is told to stop; one that does not return within a
  /// second is not waited for, and what it starts after that is ended then.
  std::stop_token stop{};
};

/// Starts local workers, by default one for each CPU, and waits until they have joined.
/// @return their pids, ascending.
/// @throws LaunchError, or CompositeException of several: workers that did come up stay, unless `min` is set.
/// @throws Error "Only process 1 can add and remove workers" on a worker.
std::vector<Pid> addprocs(const AddprocsOptions& options = {});
std::vector<Pid> addprocs(int count, const AddprocsOptions& options = {});
/// Workers of a manager plugin, by name or path. @param manager_options JSON object, "{\"count\": 4}".
std::vector<Pid> addprocs(const std::string& manager, std::string_view manager_options,
                          const AddprocsOptions& options = {});
/// Workers of the program's own manager.
std::vector<Pid> addprocs(std::shared_ptr<ClusterManager> manager, const AddprocsOptions& options = {});
/// All workers of a cluster file, after its modules are loaded. @param stop as in AddprocsOptions.
/// @throws PluginError too, as load_module().
std::vector<Pid> addprocs(const ClusterFile& file, std::stop_token stop = {});

struct RmprocsOptions {
  /// Give up after this; zero: do not wait; a negative one is a ConfigError. rmprocs also gives up when one worker, or
  /// a function of its manager, takes longer than twice timeouts.shutdown, term and kill together and some seconds.
  Duration waitfor = never;
};
/// Removes workers: they are asked to exit, then made to. Unknown pids are ignored, pid 1 too, with a warning.
/// @throws Error "rmprocs: pids [..] not terminated after T seconds.", with the functions of managers that still run.
void rmprocs(const std::vector<Pid>& pids, const RmprocsOptions& options = {});
void rmprocs(Pid pid, const RmprocsOptions& options = {});

/// Interrupts what the workers run: blocking cohort functions in it throw InterruptedException,
/// this_call().stop_requested() turns true. A function that never looks runs on, and no worker ends by it: rmprocs()
/// is for that. An idle worker notices nothing. Returns when all have stopped, or a second or so after. Master only.
void interrupt(const std::vector<Pid>& pids);
void interrupt();

Pid myid();
int nprocs();
int nworkers();
/// All processes, ascending, the master first.
std::vector<Pid> procs();
/// All processes on the host of process `pid`, ascending. A worker asks the master. @throws Error if there is no
/// `pid`, a ProcessExitedException if it is gone.
std::vector<Pid> procs(Pid pid);
/// All workers, ascending; with none, the master counts as one.
std::vector<Pid> workers();
bool is_worker_process();

/// The secret that the processes of this cluster know each other by: 64 hexadecimal digits that nobody can guess. Do
/// not print it.
std::string cluster_cookie();
/// Sets it, before workers exist. Whoever can guess it can run programs as you. @param cookie one line of 16 to 4096
/// bytes. @throws ConfigError if it is another text.
std::string cluster_cookie(const std::string& cookie);

/// Round trip of an empty message, answered by the other process's loop while its functions compute.
/// @throws TimeoutError, ProcessExitedException; ConfigError if the timeout is negative.
Duration ping(Pid pid, Duration timeout = std::chrono::seconds(60));

/// What process `pid` keeps because other processes hold handles on it: futures, channels and objects. It answers also
/// while its functions compute.
struct ReferenceTable {
  struct Entry {
    Pid whence = no_pid;  ///< the process that named it
    std::uint64_t id = 0;
    std::string kind;          ///< "future", "channel" or "object"
    std::vector<Pid> clients;  ///< who holds handles
    std::uint64_t bytes = 0;   ///< of encoded values
  };
  std::vector<Entry> entries;
};
ReferenceTable refs(Pid pid);
/// How many these are.
std::size_t reference_count(Pid pid);

}  // namespace cohort
