#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <cohort/cluster.hpp>
#include <cohort/cluster_file.hpp>
#include <cohort/cluster_manager.hpp>
#include <cohort/detail/mutex.hpp>

#include "io/output_forwarder.hpp"
#include "node/manager_calls.hpp"
#include "node/node_impl.hpp"
#include "node/replicated_state.hpp"
#include "node/worker_callbacks.hpp"

namespace cohort {

class AddprocsCall;
class OpenLaunchQueue;
struct MembersChange;
struct WorkerNames;

/// What the master knows about one worker, from its launch to its end.
struct WorkerRecord {
  Pid pid = no_pid;
  std::weak_ptr<AddprocsCall> addprocs_call;  // the addprocs it came by, while that runs
  std::shared_ptr<ClusterManager> manager;
  std::string manager_name;
  std::shared_ptr<WorkerRecord> launched_by;  // the first worker of its host; null: the manager launched it
  detail::Mutex managing;  // held during the manager's functions for it, which never overlap; blocking threads only
  WorkerConfig config;
  std::optional<OutputForwarder::Id> output;
  std::shared_ptr<Connection> connection;  // loop thread
  Timer leave_timer;                       // loop thread
  Timer cause_timer;                       // loop thread
  std::string host;                        // host_id() of its process; this and the next are written before `joined`
  int ospid = 0;                           // its process id there
  int threads = 1;
  std::atomic<bool> joined{false};
  std::atomic<bool> announced{false};       // every process knows it, and it has what every process is to have
  std::atomic<bool> draining{false};        // it gets no new work; its end is wanted then
  std::atomic<bool> removing{false};        // its end is wanted
  std::string removed_because;              // written before `removing` is set, by whoever sets it
  std::atomic<bool> ends_by_signal{false};  // its process was told to end by somebody who is not of this cluster
  std::atomic<bool> ended{false};           // its connection is lost, and why it ended is known, or will not be
  std::shared_ptr<Completion> gone = std::make_shared<Completion>();
};

/// Process 1: launches workers, lets them join, informs all processes of the membership, and ends the workers.
class Master final : public Role {
 public:
  explicit Master(const Timeouts& timeouts = {});
  /// Removes all workers.
  ~Master() override;

  NodeImpl& node() { return *node_; }
  OutputForwarder& output() { return output_; }
  ReplicatedState& replicated_state() { return *replicated_state_; }
  CallbackTable& callbacks() { return *callbacks_; }

  /// Removes all workers: asks them to exit, and ends those that do not. Never throws.
  void remove_all() noexcept;
  /// Waits a short time for functions of managers that still run, and reports which do not return. Prints the output of
  /// workers. @return false if this object must not be destroyed.
  bool release_managers();

  std::vector<Pid> addprocs(std::shared_ptr<ClusterManager> manager, const std::string& manager_name,
                            const AddprocsOptions& options, const std::optional<TransportSpec>& transport);
  /// Lets workers join by `acceptor`, which is not owned.
  void add_acceptor(const std::shared_ptr<ArrivedWorkers>& acceptor);
  /// The acceptor of a connection that names none. @throws Error unless there is one, and no other one.
  std::shared_ptr<ArrivedWorkers> only_acceptor();
  /// Keeps a manager alive that nobody else owns, for workers that join by themselves.
  void keep(const std::shared_ptr<ClusterManager>& manager);
  /// @throws ConfigError if the topology uses names, and one of these workers connects to a name that no worker has.
  void check_all_named(const std::vector<Pid>& pids);
  /// Sets the transport that addprocs() uses by default. Call it before the first addprocs().
  void set_default_transport(TransportSpec transport) { default_transport_ = std::move(transport); }
  /// @param cause of their end; only the first one counts.
  void rmprocs(const std::vector<Pid>& pids, const RmprocsOptions& options, const std::string& cause = "removed");
  /// Removes workers when they have nothing to do any more. @throws as the public drain().
  void drain(const std::vector<Pid>& pids, const DrainOptions& options);
  void interrupt(const std::vector<Pid>& pids);
  Pid next_worker();
  /// The workers that have joined, have all modules and values, and are known to all processes, in ascending order.
  std::vector<Pid> workers() const;
  void set_status(Pid pid, std::string_view text);
  /// @throws Error if there never was such a process.
  std::string status(Pid pid) const;
  /// The processes() on the same host as `pid`. @throws Error if there is no such process.
  std::vector<Pid> processes_beside(Pid pid);
  ProcessInfo process_info(Pid pid);

  bool on_accepted(const std::shared_ptr<Connection>& connection) override;
  void on_dialled(const std::shared_ptr<Connection>& connection) override;
  bool on_frame(const std::shared_ptr<Connection>& connection, Frame&& frame) override;
  void on_lost(const std::shared_ptr<Connection>& connection, const std::string& reason) override;
  void request_dial_from(Pid) override {}
  std::optional<std::string> cause_if_gone(Pid pid) override;
  bool is_stopped(Pid) override { return false; }  // who stops a worker for longer than timeouts.dead gives it up
  std::vector<Pid> processes() override;

  bool expects_workers() override;

  Master* as_master() override { return this; }

  // For an AddprocsCall.
  std::shared_ptr<WorkerRecord> make_record(const std::shared_ptr<AddprocsCall>& call,
                                            std::shared_ptr<ClusterManager> manager, const std::string& manager_name);
  std::vector<std::shared_ptr<WorkerRecord>> records_of(const std::shared_ptr<AddprocsCall>& call) const;
  ManagerCalls& manager_calls() { return manager_calls_; }
  std::shared_ptr<LaunchQueue> keep_open(const std::shared_ptr<ClusterManager>& manager,
                                         const std::string& manager_name, const LaunchParams& params,
                                         const WorkerNames& names);
  IdsGiven ids_given() const;
  /// For an OpenLaunchQueue. Blocks. @throws as addprocs.
  void add_arrived(std::shared_ptr<ClusterManager> manager, const std::string& manager_name, LaunchParams params,
                   WorkerNames names, std::vector<WorkerConfig> arrived);
  /// Calls a function of the worker's manager; logs its exceptions. Runs on a blocking thread.
  /// @param call gets the manager and the worker's config.
  template <class F>
  void with_manager(WorkerRecord& record, const char* function, F&& call) {
    detail::MutexLock one_at_a_time(record.managing);
    ManagerCalls::Running running(manager_calls_, record.manager_name, function);
    record.config.leaving = record.removing.load() && !record.ends_by_signal.load();
    try {
      call(*record.manager, record.config);
    } catch (...) {
      report_manager_error(record, function);
    }
  }
  /// Returns why the worker ended: "exited with code 3"; empty: unknown, or it still runs. Runs on a blocking thread.
  std::string exit_cause(WorkerRecord& record);
  /// How long it may take to ask a worker to exit, and to end it if it does not.
  Duration time_to_end() const;
  /// Ends the process by force. Runs on a blocking thread.
  void kill(WorkerRecord& record);
  /// Informs every worker, and waits until all have answered. Not on the loop.
  void tell_all(const MembersChange& change);
  /// Informs every worker, waits until all have answered, and then lets this process use the new workers.
  void announce_members(const std::vector<Pid>& added);
  /// Calls the last functions of the manager for a worker, and removes its record. Runs on a blocking thread.
  void forget(const std::shared_ptr<WorkerRecord>& record);

 private:
  std::shared_ptr<WorkerRecord> record_of(Pid pid) const;
  void check_is_there(Pid pid);
  void take_output(const std::shared_ptr<Connection>& connection, Frame&& frame);
  static void report_manager_error(const WorkerRecord& record, const char* function);
  std::string ask_launcher(const WorkerRecord& record, bool terminate);
  bool may_change_wiring();
  void list_again() COHORT_REQUIRES(mutex_);
  std::shared_ptr<const std::vector<Pid>> listed() const;
  void choose_wiring(const AddprocsOptions& options);
  void choose_transport(const TransportSpec& transport) COHORT_REQUIRES(changing_);
  void set_draining(const std::vector<std::shared_ptr<WorkerRecord>>& records, bool draining);
  void drain_by_signal(const std::shared_ptr<Connection>& connection, Frame&& frame);
  std::string stop_draining(const WorkerRecord& record);
  void start_removals(const std::vector<std::shared_ptr<WorkerRecord>>& records);
  void start_removal(const std::shared_ptr<WorkerRecord>& record);
  void force_removal(const std::shared_ptr<WorkerRecord>& record);
  void end_worker(const std::shared_ptr<WorkerRecord>& record, const std::shared_ptr<Connection>& connection,
                  const std::string& reason, std::string cause);
  void take_arrived(const std::shared_ptr<Connection>& connection, Frame&& frame);
  void relay_dial(const std::shared_ptr<Connection>& connection, Frame&& frame);
  void tell_fate(const std::shared_ptr<Connection>& connection, Frame&& frame);
  void answer_fate(Pid pid);

  ManagerCalls manager_calls_;
  OutputForwarder output_;
  std::unique_ptr<NodeImpl> node_;
  std::unique_ptr<ReplicatedState> replicated_state_;
  std::unique_ptr<CallbackTable> callbacks_;
  detail::Mutex changing_;  // one addprocs at a time
  TransportSpec transport_ COHORT_GUARDED_BY(changing_){"", "{}"};
  TransportSpec default_transport_;
  std::atomic<unsigned> turn_{0};

  mutable detail::Mutex mutex_;
  Pid next_pid_ COHORT_GUARDED_BY(mutex_) = 2;
  std::map<Pid, std::shared_ptr<WorkerRecord>> records_ COHORT_GUARDED_BY(mutex_);
  // The result of processes(), updated at each change, because spawnat(any, ...) reads it for each call.
  std::shared_ptr<const std::vector<Pid>> listed_ COHORT_GUARDED_BY(mutex_) =
      std::make_shared<const std::vector<Pid>>(1, master_pid);
  std::vector<std::shared_ptr<OpenLaunchQueue>> open_launch_queues_ COHORT_GUARDED_BY(mutex_);
  std::vector<std::shared_ptr<ClusterManager>> kept_managers_ COHORT_GUARDED_BY(mutex_);
  std::vector<std::weak_ptr<ArrivedWorkers>> acceptors_ COHORT_GUARDED_BY(mutex_);
  struct Asker {
    std::shared_ptr<Connection> connection;
    std::uint64_t request;
  };
  std::map<Pid, std::string> statuses_ COHORT_GUARDED_BY(mutex_);  // of those that have ended as well
  // Who wants to know whether that process is gone.
  std::multimap<Pid, Asker> askers_ COHORT_GUARDED_BY(mutex_);
};

}  // namespace cohort
