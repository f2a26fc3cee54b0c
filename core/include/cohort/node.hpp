#pragma once

#include <cohort/detail/language.hpp>

#include <memory>
#include <string>

#include <cohort/cluster_file.hpp>
#include <cohort/io_pair.hpp>
#include <cohort/timeouts.hpp>
#include <cohort/types.hpp>
#include <cohort/worker.hpp>

namespace cohort {
class Master;
class Worker;
}  // namespace cohort

namespace COHORT_EXPORT cohort {

/// How a master begins.
struct NodeOptions {
  Timeouts timeouts = {};
  TransportSpec transport = {};  ///< of its clusters, unless addprocs() is told another one
};

/// One membership of one cluster. A process may have any number of them, each with its own workers and cookie, beside
/// the one of a Session or without one. A node never ends the process. Make nodes to embed cohort in a server, a
/// graphical program or another language:
///
///     cohort::Node master;
///     cohort::Node::Scope here(master);
///     const auto pids = cohort::addprocs(4);
///     std::printf("%d\n", cohort::remotecall_fetch([](int x) { return x * x; }, pids[0], 7));
///
/// The workers that addprocs() launches run this program again: its main() must begin with a Session, which serves in
/// them, and does not return there. In a program whose main() cannot, use workers that are nodes.
///
/// Making the first node changes the process as making a Session does. Different threads may use a node at once, but
/// none while another one moves it, stops it or destroys it.
class Node {
 public:
  /// Becomes the master of a cluster that has no workers yet. @throws Error if the machine has no thread or descriptor
  /// left, or if this process was launched as a worker and has no Session; ConfigError for the timeouts. (The transport
  /// is loaded by the first addprocs().)
  explicit Node(NodeOptions options = {});
  /// Becomes a worker of a cluster, in this process. It runs functions on threads of its own until the master lets it
  /// go, and gets its connections by process_messages(), join_cluster() or its transport. @throws as init_worker(), but
  /// a process may have many.
  explicit Node(WorkerOptions options);
  Node(Node&& other) noexcept;
  Node& operator=(Node&& other) noexcept;
  /// Calls stop().
  ~Node();

  /// Makes a node the one on which the free functions (addprocs, remotecall, pmap, myid ...) act in this thread, while
  /// the object exists. Functions that the node runs, and threads of its plugins, act on their node anyway; other
  /// threads that the program starts do not inherit it. Scopes of a thread are nested. When the node is stopped, the
  /// functions throw in the thread that stopped it; in other threads no scope of it may be used any longer.
  class Scope {
   public:
    explicit Scope(const Node& node);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    void* const router_before_;
    void* const references_before_;
    const bool stopped_before_;
  };

  /// The process id in its cluster: 1 for a master, 0 for a worker that has not joined yet.
  Pid id() const;
  /// The address at which a worker listens; "" if it has no transport, or is a master.
  std::string address() const;
  /// As the functions of these names in <cohort/worker.hpp>, for this node.
  void process_messages(IoPair incoming);
  void join_cluster(IoPair master);
  /// A worker waits until its master lets it go, or is lost. @return 0, or 1 if no master came in time or it was lost.
  int serve();

  /// Ends the membership: a master removes its workers. Functions that the node runs are interrupted, as by
  /// interrupt(), and waited for. Futures and channels of the node cannot be used afterwards. Never throws; idempotent.
  /// Not from a function that the node runs.
  void stop() noexcept;

 private:
  class COHORT_HIDDEN Impl;
  std::unique_ptr<Impl> impl_;  // null: it was stopped, or moved from
};

}  // namespace cohort
