#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include <cohort/io_pair.hpp>
#include <cohort/option_values.hpp>
#include <cohort/options.hpp>
#include <cohort/types.hpp>
#include <cohort/worker_config.hpp>

namespace COHORT_EXPORT cohort {

/// How workers are to be started.
struct LaunchParams {
  std::string exename;                ///< the program: this one, unless configured
  std::vector<std::string> exeflags;  ///< arguments that make it a worker; the manager's own follow
  std::string dir;                    ///< working directory
  std::string cookie;                 ///< secret: write it and a newline to the worker's standard input, nowhere else
  std::string transport_name;         ///< name of the transport with which the worker listens
  Transport* transport = nullptr;     ///< the master's one of that name, to listen with; valid while the cluster lasts
  std::optional<int> threads = {};    ///< functions that may run at once on each; the core sees to it if it is set
  Duration timeout = never;           ///< for launch() as a whole
  std::stop_token stop;               ///< a stop is requested when nobody waits for the launch any more
  Duration term = std::chrono::seconds(5);  ///< for kill() and finalize: from SIGTERM, or the like, to SIGKILL
  Duration kill = std::chrono::seconds(5);  ///< and from SIGKILL to the end of waiting for the worker
  std::optional<std::string> min = {};      ///< AddprocsOptions::min, if it is set; see enough_workers()
};

/// Returns how many of `wanted` workers are enough for the caller of addprocs. A manager whose workers may join at any
/// time (LaunchQueue::keep_open()) can return from launch() when so many have come. @throws ConfigError.
int enough_workers(const LaunchParams& params, int wanted);

/// Exit code of a worker whose program or cohort library is another build than its master's. The worker prints the
/// reason on standard error, and exits before it listens.
inline constexpr int other_build_exit_code = 79;

/// Accepts workers when they come up. The core owns it; any thread may call it.
class LaunchQueue {
 public:
  virtual ~LaunchQueue();
  /// Adds a worker; its set-up starts at once. If the launch was cancelled, the worker is ended instead.
  virtual void push(WorkerConfig config) = 0;
  /// Reports that workers did not come up; the launch of the others continues. If the others are enough
  /// (AddprocsOptions::min), this is a warning; otherwise addprocs throws it. An exception from launch() is an error in
  /// any case. @param what "ada@node3: connect: ...". @param workers how many workers did not come up.
  virtual void fail(std::string what, int workers) = 0;
  /// For workers that join by themselves at any time: returns a queue that accepts workers even after launch() has
  /// returned, until the cluster ends. Call it within launch(). The core keeps a manager alive that it loaded itself;
  /// a program that made the manager must keep it alive. As long as the manager exists, the topology and the transport
  /// cannot change. Failures of these workers are logged. @throws Error if this queue ends with its launch.
  virtual std::shared_ptr<LaunchQueue> keep_open();
  /// For workers that stand in the queue of a scheduler before they are started: the launch may last until `deadline`,
  /// if that is later than its own. launch() must then see by itself when it gives up, for params.stop is requested at
  /// that deadline, or when nobody waits for the launch. Call it within launch(). The default does nothing.
  virtual void extend(Clock::time_point deadline);
  /// Of the queue of keep_open(): whether more workers will come by it that nobody has to start. As long as that is so,
  /// a map whose workers are all gone waits for them; otherwise it fails. The default does nothing.
  virtual void expect(bool more);
};

enum class ManageOp : std::uint8_t {
  register_worker,    ///< the worker was asked to join
  deregister_worker,  ///< the worker is gone; called once
  interrupt,          ///< the worker did not react to a message: send a signal
  finalize,           ///< last call for this worker: free what is left
};

/// Launches and manages workers. Write one for your site; see docs/plugins.md.
/// All functions are called on plugin threads of the master, never on the event loop: they may block. launch() may run
/// at the same time as the other functions; the others do not run at the same time for one worker, but may be called
/// with a config that this manager has not made, for which they do nothing. An exception from them is reported with the
/// plugin's name, and has no other effect.
class ClusterManager {
 public:
  virtual ~ClusterManager();

  /// Starts workers, pushes each when it comes up, and returns when all were pushed. If it throws, addprocs fails, but
  /// the workers that were already pushed stay. After `params.timeout` a stop is requested through `params.stop`:
  /// report with launched.fail() how many workers will not come, and return. addprocs throws that report, or, without a
  /// report, an error that launch() was stopped. If launch() does not return soon, nobody waits for it: its thread ends
  /// with the process.
  virtual void launch(const LaunchParams& params, LaunchQueue& launched) = 0;

  virtual void manage(Pid pid, WorkerConfig& config, ManageOp op) = 0;

  /// Connects the master to a worker. `config` is the one that launch() pushed. The default connects to connect_at, or
  /// to host and port, with the configured transport, and sets connect_at. A worker connects to another one by its
  /// transport too, unless it was made with a manager: see WorkerOptions::manager.
  virtual IoPair connect(Pid pid, WorkerConfig& config, Transport& transport, Clock::time_point deadline);

  /// Ends a worker that was asked to exit and did not. The default does nothing; the core then closes the connection.
  virtual void kill(Pid pid, WorkerConfig& config);

  /// Returns why the worker ended, if that is known soon: "exited with code 3". Empty: unknown. Called when its
  /// connection has ended, before deregister_worker. Should return within a second; after five seconds nobody waits for
  /// it. Users see at most 2000 bytes.
  virtual std::string exit_cause(Pid pid, WorkerConfig& config);
};

/// Creates a manager from a plugin, which is found, checked and loaded as by addprocs(): for addprocs(manager), or for
/// a test that observes it. May be called from any thread.
/// @param plugin name, or path with a '/'.
/// @throws PluginError, ConfigError.
std::unique_ptr<ClusterManager> load_manager(const std::string& plugin, const OptionValues& options = {});

}  // namespace cohort
