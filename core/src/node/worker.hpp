#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <cohort/cluster_manager.hpp>
#include <cohort/detail/mutex.hpp>

#include "node/node_impl.hpp"
#include "node/output_sender.hpp"

namespace cohort {

struct Unfinished;

/// A process that serves a master: it joins, runs functions, and exits.
class Worker final : public Role {
 public:
  struct Settings {
    std::string cookie;
    std::optional<JoinToken> token = {};           ///< instead of the cookie
    std::array<std::byte, 32> transport_key = {};  ///< if there is a token
    std::unique_ptr<Transport> transport;          ///< null: it does not listen
    std::shared_ptr<ClusterManager> manager;       ///< connects it to other workers; null: the transport does
    std::string bind_to;
    bool by_hand = false;  ///< somebody started it, and ends it by Ctrl-C
    /// SIGTERM and SIGUSR1, which schedulers send before they end a job, let it leave when it has finished.
    bool drains_by_signals = false;
    bool owns_process = true;  ///< it handles SIGINT, and ends the process if it loses its master
    Duration master_timeout = std::chrono::seconds(60);  ///< for the master to connect and have it join
  };

  explicit Worker(Settings settings);
  ~Worker() override;

  NodeImpl& node() { return *node_; }
  /// The address at which it listens; "" if it does not.
  const std::string& address() const { return address_; }
  /// The connection that this worker made to the master.
  void join(IoPair master);
  /// Connects to the master at the first of these addresses that answers. @throws Error, with what each of them said.
  void join(const std::vector<std::string>& addresses, Clock::time_point deadline);
  /// Waits until the master ends it. @return the exit code.
  int serve();
  /// Adds a function to run when the master is lost. Any thread.
  void on_master_lost(std::function<void()> last, Duration limit);

  Worker* as_worker() override { return this; }
  bool on_accepted(const std::shared_ptr<Connection>& connection) override;
  void on_dialled(const std::shared_ptr<Connection>& connection) override;
  bool on_frame(const std::shared_ptr<Connection>& connection, Frame&& frame) override;
  void on_lost(const std::shared_ptr<Connection>& connection, const std::string& reason) override;
  void request_dial_from(Pid pid) override;
  std::optional<std::string> cause_if_gone(Pid pid) override;
  std::vector<Pid> processes() override { return node_->members().working(); }
  bool is_stopped(Pid pid) override;

 private:
  void on_join(const std::shared_ptr<Connection>& connection, Frame&& frame);
  void on_members(const std::shared_ptr<Connection>& connection, Frame&& frame);
  void on_dial(const std::shared_ptr<Connection>& connection, Frame&& frame);
  void on_drain(const std::shared_ptr<Connection>& connection, Frame&& frame);
  Unfinished unfinished();
  void run_blocking(const std::shared_ptr<Connection>& connection, std::uint64_t request, std::function<void()> work);
  /// Asks the master; the answer is a Fate. Any thread. @return false: the master is not connected.
  bool ask_fate(Pid pid, const std::shared_ptr<Request>& answer);
  void master_lost(const std::shared_ptr<Connection>& connection, const std::string& reason);
  void end_without_master(const std::string& reason);
  void leave(int code);
  void close_all(const std::string& reason);
  void expect_master();
  void tell_of_signal(int number);

  const bool by_hand_, owns_process_, drains_by_signals_;
  const Duration master_timeout_;
  std::atomic<bool> joins_{false};
  std::string address_;  // set by the constructor
  std::unique_ptr<NodeImpl> node_;
  detail::Mutex mutex_;
  detail::ConditionVariable left_;
  std::optional<int> exit_code_ COHORT_GUARDED_BY(mutex_);
  std::vector<std::function<void()>> last_functions_ COHORT_GUARDED_BY(mutex_);  // for when the master is lost
  Duration last_limit_ COHORT_GUARDED_BY(mutex_){};                              // for all of them

  // Loop thread only.
  std::shared_ptr<Connection> master_;
  int master_ospid_ = 0;   // 0: it is not seen from here
  Timer master_deadline_;  // for it to come; then, when it is lost, for the last functions
  Timer drain_timer_;
  std::unique_ptr<OutputSender> output_;  // null: the process prints where it did when it started
  bool leaving_ = false;
  std::uint64_t drain_request_ = 0;  // the master waits for its answer; 0: for none
  SignalWatcher interrupt_signal_;
  std::map<int, SignalWatcher> end_signals_;
};

/// Starts more workers on this host, as a `launch` frame asks, and answers. Blocks; a blocking thread.
void launch_additional_workers(NodeImpl& node, const std::shared_ptr<Connection>& connection, Frame&& frame);

/// Reports why an additional worker ended, or ends it, as a `reap_worker` frame asks. Blocks; a blocking thread.
void reap_additional_worker(NodeImpl& node, const std::shared_ptr<Connection>& connection, Frame&& frame);

/// Ends the additional workers, which were asked to exit like this process: waits for them a short time, prints their
/// output, and ends the rest.
void end_additional_workers();

}  // namespace cohort
