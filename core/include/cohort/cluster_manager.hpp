#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <cohort/io_pair.hpp>
#include <cohort/options.hpp>
#include <cohort/types.hpp>
#include <cohort/worker_config.hpp>

namespace cohort {

/// What a worker must be started with.
struct LaunchParams {
  std::string exename;                ///< the program: this one, unless configured
  std::vector<std::string> exeflags;  ///< arguments that make it a worker; the manager's own come after
  std::string dir;                    ///< working directory
  std::string cookie;                 ///< secret for the worker's standard input, followed by a newline; nowhere else
  std::string transport_name;         ///< name of the transport that the worker listens with
  Transport* transport = nullptr;     ///< the master's own of that name, to listen with while the cluster lasts
  Duration timeout = never;           ///< for launch() as a whole
  std::stop_token stop;               ///< requested when the launch is given up
  Duration term = std::chrono::seconds(5);  ///< for kill() and finalize: from SIGTERM, or the like, to SIGKILL
  Duration kill = std::chrono::seconds(5);  ///< and from SIGKILL to giving the worker up
};

/// Exit code of a worker whose program or cohort library is another build than its master's: it says so on standard
/// error, before it listens.
inline constexpr int other_build_exit_code = 79;

/// Takes workers as they come up. Any thread; owned by the core.
class LaunchQueue {
 public:
  virtual ~LaunchQueue();
  /// Hands one worker over; its set-up starts at once. After the launch was given up the worker is ended instead.
  virtual void push(WorkerConfig config) = 0;
  /// Tells that workers did not come up, and why; the others go on. Where so few are enough (AddprocsOptions::min) it
  /// is a warning, else addprocs throws it. What launch() throws is an error in any case.
  /// @param what "ada@node3: connect: ...". @param workers how many they are.
  virtual void fail(std::string what, int workers) = 0;
  /// For workers that come by themselves, at any time: a queue that takes them after launch() returned, too, until the
  /// cluster ends. Within launch(). The core keeps a manager that it loaded itself for them; one that the program made
  /// is the program's to keep. While the manager is there the topology and the transport stay. What becomes of these
  /// workers is logged. @throws Error: this queue ends with its launch.
  virtual std::shared_ptr<LaunchQueue> keep_open();
};

enum class ManageOp : std::uint8_t {
  register_worker,    ///< it was told to join
  deregister_worker,  ///< it is gone; called once
  interrupt,          ///< the message did not help: send a signal
  finalize,           ///< last call for this worker: free what is left
};

/// Launches workers somewhere and looks after them. Write one for a site; see docs/plugins.md.
/// All functions are called on plugin threads of the master, never on the loop: they may block. launch() may run at the
/// same time as the others; the others do not run at the same time for one worker. What they throw is reported with
/// the plugin's name and does no other harm.
class ClusterManager {
 public:
  virtual ~ClusterManager();

  /// Starts workers and pushes each as it comes up; returns when all were pushed. What it throws fails addprocs, but
  /// the workers pushed before stay. `params.stop` is requested after `params.timeout`: tell by launched.fail() how
  /// many workers will not come, and return; addprocs throws that, or that launch() was stopped if nothing is told.
  /// When it does not return soon it is left alone: its thread ends with the process, which does not wait for it.
  virtual void launch(const LaunchParams& params, LaunchQueue& launched) = 0;

  virtual void manage(Pid pid, WorkerConfig& config, ManageOp op) = 0;

  /// Dials a worker, for the master. `config` is what launch() pushed. (Workers dial each other by the transport alone:
  /// no manager is loaded there.) The default dials connect_at, or host and port, by the configured transport, and sets
  /// connect_at.
  virtual IoPair connect(Pid pid, WorkerConfig& config, Transport& transport, Clock::time_point deadline);

  /// Ends a worker that was asked to exit and did not. The default does nothing: its connection is then closed.
  virtual void kill(Pid pid, WorkerConfig& config);

  /// Why the worker ended, if that can be known soon: "exited with code 3". Empty: unknown. Called when its connection
  /// ended, before deregister; should return within a second. After five nobody waits for it. Users see 2000 bytes.
  virtual std::string exit_cause(Pid pid, WorkerConfig& config);
};

/// A manager of its own from a plugin, found, checked and loaded as addprocs() does it, for addprocs(manager) or a test
/// that looks at what it does. Any thread.
/// @param plugin name, or path with a '/'. @param options JSON object.
/// @throws PluginError, ConfigError.
std::unique_ptr<ClusterManager> load_manager(const std::string& plugin, std::string_view options = "{}");

}  // namespace cohort
