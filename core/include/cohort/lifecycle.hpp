#pragma once

#include <functional>
#include <string>
#include <vector>

#include <cohort/fwd.hpp>
#include <cohort/types.hpp>
#include <cohort/wait_options.hpp>

// How workers come and go: what a program is told of that, and what it can say. The names are those of DistributedNext.

namespace COHORT_EXPORT cohort {

struct LaunchParams;

/// Functions that the master calls when workers come and go. Those of one key run one after the other, on a thread of
/// their own; those of different keys run side by side. For each worker they are called in this order: started,
/// exiting (not for a worker that dies), exited. They may call functions on workers, but cannot add or remove workers.
/// They are called until the end of the Session or Node, which removes the last workers: remove them before what they
/// use is destroyed.
struct WorkerCallbacks {
  /// Before a manager launches workers. If it throws, addprocs() throws that, and nothing is launched.
  /// @param manager its name; "of the program" for one of the program's own. @param params how they are to be started.
  std::function<void(const std::string& manager, const LaunchParams& params)> starting = {};
  /// When a worker has joined and every process knows it, before addprocs() returns.
  std::function<void(Pid worker)> started = {};
  /// Before a worker is asked to leave, by rmprocs() or at the end of the program. It still runs functions.
  std::function<void(Pid worker)> exiting = {};
  /// When a worker has ended. @param cause "removed", or why it ended.
  std::function<void(Pid worker, const std::string& cause)> exited = {};
  /// The master waits for one function for so long; then it names the key in a warning, and goes on without it. What
  /// `started`, `exiting` and `exited` throw is a warning, too. As long as a function is late, the next ones of its key
  /// are not waited for; they are called when it has returned.
  Duration limit = std::chrono::seconds(10);
};

/// Has functions called from now on. Master only. @throws ConfigError if the key is in use, or for a limit of 0 or
/// less; Error on a worker.
void add_worker_callbacks(const std::string& key, WorkerCallbacks callbacks);
/// Ends that; a function that runs is not waited for. Does nothing if there is no such key. Master only.
void remove_worker_callbacks(const std::string& key);

/// Limits of drain(), and what is to happen at its end.
struct DrainOptions {
  Deadline deadline = {};
  std::stop_token stop_token = {};
  /// Why: what runs on such a worker until it is removed fails with this as the cause. Empty: "removed".
  std::string cause = {};
  /// At the deadline the workers are removed, although something is unfinished. false: they are used again.
  bool remove_at_deadline = false;
};

/// Removes workers when they have finished: pools, maps, `spawnat(any, ...)` and workers() do without them at once,
/// and jobs and functions that were sent to them run to their end. The values of futures that are there move to the
/// processes that hold these futures; channels and objects stay there until they are released. Then the workers leave,
/// as by rmprocs(). A call that names such a worker still runs there, and is waited for. Unknown pids are ignored.
/// Master only.
///
///     cohort::drain({3}, {.deadline = 30s});
///
/// @throws Error if one of them is being drained already; TimeoutError at the deadline, with what is unfinished (not if
/// they are removed then), CancelledException, InterruptedException: then the workers are used again (a WorkerPool of
/// named workers has lost them).
void drain(const std::vector<Pid>& pids, const DrainOptions& options = {});

/// Says in a few words what this process does: "epoch 7 of 20". The master keeps the text. If the worker dies, the
/// error of its calls contains it. Does not wait. @param status at most 1000 bytes are kept; control characters are
/// shown as "\x1b".
void setstatus(const std::string& status);
/// What a process has said by setstatus(), also when it has ended; "" if it has said nothing. A worker asks the master.
/// @throws Error if no such process ever existed.
std::string getstatus(Pid pid);

/// Has `last` called when this worker has lost its master, before it ends: to save what it has. Functions of several
/// calls run one after the other; what they throw is printed. The calls that this worker has made to the master fail by
/// then. The worker ends at the latest after the sum of the limits, even if a function has not returned. Local workers,
/// and those that the first worker of a host launched, are killed with the process that launched them: if that one is
/// the master, nothing is called there. @throws Error if this process is not a worker, ConfigError for a limit of 0 or
/// less.
void on_master_lost(std::function<void()> last, Duration limit = std::chrono::seconds(10));

}  // namespace cohort
