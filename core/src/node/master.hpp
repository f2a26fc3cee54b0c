#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <cohort/cluster.hpp>
#include <cohort/cluster_manager.hpp>

#include "io/output_forwarder.hpp"
#include "node/node.hpp"

namespace cohort {

class Addition;

/// One worker as the master knows it, from launch to end.
struct WorkerRecord {
  Pid pid = no_pid;
  std::weak_ptr<Addition> addition;  // the addprocs it came by, while that runs
  std::shared_ptr<ClusterManager> manager;
  std::string manager_name;
  WorkerConfig config;
  std::mutex managing;  // held during the manager's functions for it, which never overlap; blocking threads only
  std::optional<OutputForwarder::Id> output;
  std::shared_ptr<Connection> connection;  // loop thread
  Timer leave_timer;                       // loop thread
  std::atomic<bool> joined{false};
  std::atomic<bool> removing{false};  // its end is wanted
  std::shared_ptr<Completion> gone = std::make_shared<Completion>();
};

/// Process 1: launches workers, has them join, tells everybody who is there, and ends them.
class Master final : public Role {
 public:
  explicit Master(const Timeouts& timeouts = {});
  /// Removes all workers.
  ~Master() override;

  Node& node() { return *node_; }
  OutputForwarder& output() { return output_; }

  /// Removes all workers: they are asked, then made to. Never throws.
  void remove_all() noexcept;

  std::vector<Pid> addprocs(std::shared_ptr<ClusterManager> manager, const std::string& manager_name,
                            const AddprocsOptions& options, const std::optional<TransportSpec>& transport);
  /// What addprocs() uses where nothing else is said. Before the first one.
  void set_default_transport(TransportSpec transport) { default_transport_ = std::move(transport); }
  void rmprocs(const std::vector<Pid>& pids, const RmprocsOptions& options);
  void interrupt(const std::vector<Pid>& pids);
  Pid next_worker();
  /// Those that have joined, ascending.
  std::vector<Pid> workers() const;

  bool on_accepted(const std::shared_ptr<Connection>&) override { return false; }  // the master only dials
  void on_dialled(const std::shared_ptr<Connection>& connection) override;
  bool on_frame(const std::shared_ptr<Connection>& connection, Frame&& frame) override;
  void on_lost(const std::shared_ptr<Connection>& connection, const std::string& reason) override;
  void request_dial_from(Pid) override {}

  // For an Addition.
  std::shared_ptr<WorkerRecord> make_record(const std::shared_ptr<Addition>& addition,
                                            std::shared_ptr<ClusterManager> manager, const std::string& manager_name);
  /// Tells every worker, and waits until all have heard.
  void announce_members(const std::vector<MemberInfo>& added);
  /// The last functions of the manager for a worker, and the end of its record. A blocking thread.
  void forget(const std::shared_ptr<WorkerRecord>& record);

 private:
  std::shared_ptr<WorkerRecord> record_of(Pid pid) const;
  void choose_topology(const AddprocsOptions& options);
  void choose_transport(const TransportSpec& transport);
  void start_removal(const std::shared_ptr<WorkerRecord>& record);
  void force_removal(const std::shared_ptr<WorkerRecord>& record);
  void kill(const std::shared_ptr<WorkerRecord>& record);
  void end_worker(const std::shared_ptr<WorkerRecord>& record, const std::shared_ptr<Connection>& connection,
                  const std::string& reason);
  void relay_dial(const std::shared_ptr<Connection>& connection, Frame&& frame);

  OutputForwarder output_;
  std::unique_ptr<Node> node_;
  std::mutex changing_;  // one addprocs at a time; guards transport_
  TransportSpec transport_{"", "{}"};
  TransportSpec default_transport_;
  std::atomic<unsigned> turn_{0};

  mutable std::mutex mutex_;  // guards all below
  Pid next_pid_ = 2;
  std::map<Pid, std::shared_ptr<WorkerRecord>> records_;
};

}  // namespace cohort
