#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include <cohort/detail/mutex.hpp>
#include <cohort/join_file.hpp>
#include <cohort/timeouts.hpp>
#include <cohort/transport.hpp>

#include "io/blocking_pool.hpp"
#include "io/reactor.hpp"
#include "membership/members.hpp"
#include "membership/router.hpp"
#include "membership/topology.hpp"
#include "node/tunnels.hpp"
#include "parallel/named_values.hpp"
#include "remote/call_server.hpp"
#include "remote/channel_server.hpp"
#include "remote/references.hpp"

namespace cohort {

class Master;
class Worker;

/// The differences between the master and a worker. Functions run on the loop thread unless a comment says otherwise.
class Role {
 public:
  virtual ~Role();
  /// Null if it is the other one.
  virtual Master* as_master() { return nullptr; }
  virtual Worker* as_worker() { return nullptr; }
  /// A connection that somebody made to this process was authenticated. @return false if it must be closed.
  virtual bool on_accepted(const std::shared_ptr<Connection>& connection) = 0;
  /// A connection that this process made was authenticated; it is bound to connection->peer() already.
  virtual void on_dialled(const std::shared_ptr<Connection>& connection) = 0;
  /// Handles a frame that does not concern calls. @return false if its kind is unknown here.
  virtual bool on_frame(const std::shared_ptr<Connection>& connection, Frame&& frame) = 0;
  /// The bound connection to `peer` ended. The role decides when its open requests fail: NodeImpl::fail_requests().
  virtual void on_lost(const std::shared_ptr<Connection>& connection, const std::string& reason) = 0;
  /// The processes that have joined and are not about to leave, in ascending order, including this one. Any thread.
  virtual std::vector<Pid> processes() = 0;
  /// Whether process `pid` is stopped and may continue: it is silent, but not gone.
  virtual bool is_stopped(Pid pid) = 0;
  /// Whether workers will come that nobody has to start. Any thread.
  virtual bool expects_workers() { return false; }
  /// Asks for a connection from `pid`, which dials because its id is higher. Any thread.
  virtual void request_dial_from(Pid pid) = 0;
  /// Returns why a process that cannot be reached ended; nullopt if the master knows of no end. Waits some seconds for
  /// the master's answer. @throws InterruptedException.
  virtual std::optional<std::string> cause_if_gone(Pid pid) = 0;
};

/// Everything that a process knows about its cluster. A process usually has one node, but may have several.
class NodeImpl final : public Router, public Connection::Handler {
 public:
  struct Settings {
    std::string cookie;
    Timeouts timeouts;
    int slots = 1;
    /// Of a worker that does not know the cookie until it has joined.
    std::optional<JoinToken> token = {};
    std::array<std::byte, 32> transport_key = {};  // if there is a token
  };

  NodeImpl(Pid self, Settings settings);
  /// Closes every connection. No thread may wait on this node any more.
  ~NodeImpl() override;

  // Router
  Pid self() const override { return self_.load(std::memory_order_relaxed); }
  Reactor& reactor() override { return *reactor_; }
  std::shared_ptr<Connection> connection_to(Pid pid) override;
  std::shared_ptr<Connection> existing_connection(Pid pid) override { return members_.connection(pid); }
  bool may_connect(Pid pid) override;
  bool is_gone(Pid pid) override { return members_.is_gone(pid); }
  bool is_draining(Pid pid) override { return members_.is_draining(pid); }
  std::vector<Pid> processes() override { return role_->processes(); }
  bool expects_workers() override { return role_->expects_workers(); }
  LocalCalls& local_calls() override { return local_calls_; }
  ParallelState& parallel() override { return *parallel_; }

  CurrentNode current() { return {this, references_.get()}; }
  Members& members() { return members_; }
  References& references() { return *references_; }
  CallServer& calls() { return calls_; }
  NamedValues& values() { return values_; }
  BlockingPool& blocking() override { return *blocking_; }
  Timeouts timeouts() const;
  std::string cookie() const;
  void set_cookie(const std::string& cookie);

  void set_role(Role* role) { role_ = role; }
  Role& role() { return *role_; }
  /// Call it when the worker has learnt its identity, or when the master has changed its settings.
  void configure(Pid self, const Timeouts& timeouts, const Wiring& wiring);
  Wiring wiring() const;

  /// The transport of this process's connections. Set once, before the first connection.
  void set_transport(std::unique_ptr<Transport> transport);
  Transport& transport();

  /// Starts to accept at `listener`, until stop_accepting(). `acceptor` is that of the connections.
  /// Not on the loop. @throws what the listener throws, or why it cannot be watched.
  void accept_at(std::unique_ptr<Listener> listener, const std::shared_ptr<ArrivedWorkers>& acceptor = nullptr);
  /// Closes the listeners of `acceptor`, and those of its connections that are not identified.
  void stop_accepting(const std::shared_ptr<ArrivedWorkers>& acceptor);
  /// Starts the handshake on a new connection. @param peer the process that was dialled; no_pid: it was accepted.
  std::shared_ptr<Connection> add_connection(IoPair pair, Pid peer,
                                             const std::shared_ptr<ArrivedWorkers>& acceptor = nullptr);
  /// How this process connects to a member at an address, if not by its transport. Set before the first connection.
  using Dialer = std::function<IoPair(Pid pid, const std::string& address, Clock::time_point deadline)>;
  void set_dialer(Dialer dialer) { dialer_ = std::move(dialer); }
  /// Dials a member on a blocking thread, or makes a tunnel to it; take_attempt() is completed in the end.
  void dial(Pid pid, const std::string& address);
  void finish_attempt(Pid pid, const std::string& error);
  /// Informs pools of workers that a process has joined or left. No lock of the role may be held. Any thread.
  /// @param tell_all also those whose workers are the same.
  void membership_changed(bool tell_all = false);
  void fail_requests(Connection& connection, const std::string& cause);
  /// Fetches the values of all futures of this process that these processes own, which are about to leave. Any thread.
  void bring_values_from(const std::vector<Pid>& owners);
  /// Call it when a process is gone: drops the handles that it holds and its requests. Any thread.
  void drop_client(Pid client);
  /// Destroys what is not owned elsewhere on a thread that may block, while there are such threads.
  void release_off_loop(std::shared_ptr<void> object) {
    if (blocking_ == nullptr) return;
    try {
      blocking_->run([object = std::move(object)] {});
    } catch (const Error&) {  // there are none any more
    }
  }
  /// Runs `body` on the loop and waits for it. Not on the loop. @throws what it throws.
  void on_loop(std::function<void()> body);

 private:
  struct Accepting {                     // loop thread
    std::shared_ptr<Listener> listener;  // null: closed
    PollWatcher watcher;                 // if it has a descriptor
    std::weak_ptr<ArrivedWorkers> acceptor;
    bool paused = false;  // until there is room
  };
  struct Unproven {  // accepted, not authenticated
    std::shared_ptr<Connection> connection;
    Clock::time_point since;
  };

  void on_established(const std::shared_ptr<Connection>& connection) override;
  void on_frame(const std::shared_ptr<Connection>& connection, Frame&& frame) override;
  void on_closed(const std::shared_ptr<Connection>& connection, const std::string& reason) override;
  void answer_unknown(const std::shared_ptr<Connection>& connection, const Frame& frame);
  void on_frame_without_room(const std::shared_ptr<Connection>& connection, Frame&& frame);
  void on_answer(const std::shared_ptr<Connection>& connection, Frame&& frame);
  void accept_waiting(const std::shared_ptr<Accepting>& accepting);
  void watch(const std::shared_ptr<Accepting>& accepting);
  void expect_proof(const std::shared_ptr<Connection>& connection);
  bool has_room() const;
  void pause(Accepting& accepting);
  void resume_accepting();
  void no_longer_unproven(const std::shared_ptr<Connection>& connection);
  void learn_cookie(const Connection& connection);
  void report_refused_peer(const std::string& reason);
  /// @throws ProcessExitedException if the process is gone, else Error.
  [[noreturn]] void throw_unreachable(Pid pid, const std::string& problem);
  /// Whether the topology connects this process and that one.
  bool linked(Pid pid);
  void start_heartbeat(const Timeouts& limits);
  void check_liveness();

  std::atomic<Pid> self_;
  std::unique_ptr<Reactor> reactor_;
  Members members_;
  const std::shared_ptr<References> references_;
  LocalCalls local_calls_;
  CallServer calls_;
  ChannelServer channels_;
  const std::unique_ptr<ParallelState> parallel_;
  NamedValues values_;
  std::unique_ptr<Transport> transport_;
  Dialer dialer_;
  Role* role_ = nullptr;

  mutable detail::Mutex mutex_;
  Settings settings_ COHORT_GUARDED_BY(mutex_);
  Wiring wiring_ COHORT_GUARDED_BY(mutex_);

  detail::Mutex neighbours_mutex_;  // taken before that of members_
  std::optional<std::set<Pid>> neighbours_ COHORT_GUARDED_BY(neighbours_mutex_);
  std::uint64_t neighbours_epoch_ COHORT_GUARDED_BY(neighbours_mutex_) = 0;  // of the list that they follow from

  Tunnels tunnels_;

  // Loop thread only.
  std::set<std::shared_ptr<Accepting>> accepting_;
  std::set<std::shared_ptr<Connection>> connections_;  // all, from their first moment to on_closed
  std::deque<Unproven> unproven_;                      // the oldest first
  Timer room_timer_;                                   // for listeners that are paused
  unsigned refused_peers_ = 0;
  Timer heartbeat_;
  Duration heartbeat_interval_{};
  Clock::time_point last_check_{};
  std::set<const Connection*> suspects_;

  std::unique_ptr<BlockingPool> blocking_;  // last: its work uses all of the above
};

}  // namespace cohort
