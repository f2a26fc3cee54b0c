#include "node/worker.hpp"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include <cohort/cpus.hpp>
#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>

#include "base/durations.hpp"
#include "base/log.hpp"
#include "base/system_info.hpp"
#include "node/callback_request.hpp"
#include "node/messages.hpp"
#include "remote/exception_codec.hpp"
#include "remote/messages.hpp"

namespace cohort {
namespace {

void answer(Connection& connection, std::uint64_t request, const Payload& payload, std::uint8_t flag = result_value) {
  connection.send(FrameKind::result, flag, request, payload, SendQueue::Mode::now);
}

void answer_failure(NodeImpl& node, Connection& connection, std::uint64_t request) {
  answer(connection, request, encode_exception(std::current_exception(), node.self()), result_exception);
}

// How long to wait for the master's word on a process that this one lost: it asks its manager, which may take a second,
// and a process that is stopped neither answers nor ends.
constexpr Duration fate_limit = std::chrono::seconds(5);

Fate fate_in(Frame&& frame) noexcept {
  try {
    if (frame.header.flags == result_value) return from_frame<Fate>(std::move(frame));
  } catch (const std::exception& error) {
    log_warning(error.what());
  }
  return {};
}

// Without waiting: a terminal may be stopped, and nobody may read a pipe.
bool can_write(int descriptor) {
  pollfd output{descriptor, POLLOUT, 0};
  return poll(&output, 1, 0) > 0 && (output.revents & POLLOUT) != 0;
}

}  // namespace

namespace {

// Of a worker that is reached by a wire of its own.
class NoTransport final : public Transport {
 public:
  std::unique_ptr<Listener> listen(const std::string&) override { refuse(); }
  IoPair connect(const std::string& address, Clock::time_point) override {
    refuse(address.empty() ? "" : " to connect to " + address);
  }

 private:
  [[noreturn]] static void refuse(const std::string& what = "") {
    throw Error("this worker has no transport" + what +
                ": give it a manager that connects it (WorkerOptions::manager)");
  }
};

}  // namespace

Worker::Worker(Settings settings)
    : by_hand_(settings.by_hand),
      owns_process_(settings.owns_process),
      drains_by_signals_(settings.drains_by_signals),
      master_timeout_(settings.master_timeout) {
  node_ = std::make_unique<NodeImpl>(no_pid, NodeImpl::Settings{.cookie = std::move(settings.cookie),
                                                                .timeouts = {},
                                                                .slots = 1,
                                                                .token = std::move(settings.token),
                                                                .transport_key = settings.transport_key});
  node_->set_role(this);
  if (settings.manager != nullptr) {
    node_->set_dialer(
        [this, manager = std::move(settings.manager)](Pid pid, const std::string& address, Clock::time_point deadline) {
          WorkerConfig config;
          config.connect_at = address;
          return manager->connect(pid, config, node_->transport(), deadline);
        });
  }
  if (settings.transport == nullptr) {
    node_->set_transport(std::make_unique<NoTransport>());
  } else {
    node_->set_transport(std::move(settings.transport));
    auto listener = node_->transport().listen(settings.bind_to);
    address_ = listener->address();
    node_->accept_at(std::move(listener));
  }
  node_->on_loop([this] {
    if (drains_by_signals_) {
      for (const int number : {SIGTERM, SIGUSR1})
        end_signals_[number].watch(node_->reactor(), number, [this, number] { tell_of_signal(number); });
    }
    if (!by_hand_ && owns_process_)
      interrupt_signal_.watch(node_->reactor(), SIGINT, [this] { node_->calls().interrupt_running(nullptr); });
    expect_master();
  });
}

Worker::~Worker() {
  guard_loop([this] {
    node_->on_loop([this] {
      interrupt_signal_.stop();
      for (auto& [number, watcher] : end_signals_) watcher.stop();
      master_deadline_.stop();
      drain_timer_.stop();
      output_.reset();
      master_.reset();
    });
  });
  delete node_.get();  // not reset(): what the loop still runs meanwhile goes through node_, which must not be null yet
  static_cast<void>(node_.release());
}

void Worker::join(IoPair master) {
  if (joins_.exchange(true)) throw Error("this worker has been told to join a cluster already");
  node_->add_connection(std::move(master), master_pid);
}

namespace {

constexpr Duration next_address_after = std::chrono::milliseconds(250);

// Shared by the threads that connect: those that are too late close what they have got.
struct FirstConnection {
  detail::Mutex mutex;
  detail::ConditionVariable changed;
  std::optional<IoPair> first COHORT_GUARDED_BY(mutex);
  bool is_taken COHORT_GUARDED_BY(mutex) = false;
  std::size_t under_way COHORT_GUARDED_BY(mutex) = 0;
  std::string problems COHORT_GUARDED_BY(mutex);
};

void connect(Transport& transport, const std::string& address, Clock::time_point deadline, FirstConnection& result) {
  std::optional<IoPair> connected;
  std::string problem;
  try {
    connected = transport.connect(address, deadline);
  } catch (...) {
    problem = "at " + address + ": " + message_of(std::current_exception());
  }
  const detail::MutexLock lock(result.mutex);
  result.under_way--;
  if (connected && !result.is_taken && !result.first) result.first = std::move(connected);
  if (!problem.empty()) result.problems += (result.problems.empty() ? "" : "; ") + problem;
  result.changed.notify_one();
}

}  // namespace

// The next address is tried when the one before has failed, or has not answered for a moment (as RFC 8305 does it): the
// master then sees no connections that nobody uses.
void Worker::join(const std::vector<std::string>& addresses, Clock::time_point deadline) {
  if (addresses.size() == 1) return join(node_->transport().connect(addresses.front(), deadline));
  auto result = std::make_shared<FirstConnection>();
  detail::MutexLock lock(result->mutex);
  for (const auto& address : addresses) {
    result->under_way++;
    node_->blocking().run(
        [this, address, deadline, result] { connect(node_->transport(), address, deadline, *result); });
    const auto next = deadline_after(next_address_after);
    while (!result->first && result->under_way > 0 && Clock::now() < next)
      result->changed.wait_until(result->mutex, next);
    if (result->first) break;
  }
  while (!result->first && result->under_way > 0) result->changed.wait(result->mutex);
  if (!result->first) throw Error(result->problems);
  IoPair first = std::move(*result->first);
  result->first.reset();
  result->is_taken = true;
  lock.unlock();
  join(std::move(first));
}

int Worker::serve() {
  detail::MutexLock lock(mutex_);
  while (!exit_code_) left_.wait(mutex_);
  return *exit_code_;
}

// Loop thread. The master knows who uses this worker. Without a master nothing is lost.
void Worker::tell_of_signal(int number) {
  if (master_ == nullptr) return leave(128 + number);
  const std::string_view name = number == SIGTERM ? "SIGTERM" : "SIGUSR1";
  Payload message;
  message.body.append(name.data(), name.size());
  master_->send(FrameKind::drain, drain_wanted, 0, message, SendQueue::Mode::gather_on_loop);
}

// Loop thread.
void Worker::expect_master() {
  master_deadline_.start(node_->reactor(), master_timeout_, [this] {
    if (is_stopped_process(getppid())) return expect_master();  // by Ctrl-Z while it launched
    log_error("Master process (id 1) could not connect within " + in_seconds(master_timeout_) +
              (owns_process_ ? ".\nexiting." : "."));
    leave(1);
  });
}

void Worker::leave(int code) {
  {
    detail::MutexLock lock(mutex_);
    if (!exit_code_) exit_code_ = code;
  }
  left_.notify_one();
}

void Worker::close_all(const std::string& reason) {
  for (const auto& connection : node_->members().connections()) connection->close(reason);
}

bool Worker::on_accepted(const std::shared_ptr<Connection>& connection) {
  const Pid pid = connection->peer_identity().pid;
  if (pid == no_pid || pid == node_->self()) return false;
  if (pid == master_pid) {
    if (master_ != nullptr) return false;
    master_ = connection;
  }
  connection->set_peer(pid);
  if (!node_->members().bind(pid, connection)) return false;
  node_->finish_attempt(pid, "");
  return true;
}

void Worker::on_dialled(const std::shared_ptr<Connection>& connection) {
  const Pid pid = connection->peer();
  if (pid == master_pid && master_ != nullptr) return connection->close("this worker has a master");
  if (!node_->members().bind(pid, connection)) connection->close("there is a connection already");
  node_->finish_attempt(pid, "");
  if (pid != master_pid) return;
  master_ = connection;
  connection->send(FrameKind::arrive, 0, 0, to_payload(Arrive{address_}), SendQueue::Mode::gather_on_loop);
}

void Worker::on_lost(const std::shared_ptr<Connection>& connection, const std::string& reason) {
  if (connection == master_) return master_lost(connection, reason);
  const Pid pid = connection->peer();
  if (pid == master_pid && !connection->established()) {
    log_error("could not join: " + reason);
    return leave(1);
  }
  node_->members().unbind(pid, connection.get());
  if (!connection->established()) node_->finish_attempt(pid, reason);
  if (node_->members().is_gone(pid)) {
    const std::string cause = node_->members().cause_of_end(pid);
    return node_->fail_requests(*connection, cause.empty() ? reason : cause);
  }
  if (!connection->established() || pid <= master_pid) return node_->fail_requests(*connection, reason);
  // The master learns why a process ended; a moment passes until it knows.
  auto answer = std::make_shared<CallbackRequest>(
      node_->reactor(),
      [this, connection, reason](Frame&& frame) {
        const auto fate = fate_in(std::move(frame));
        node_->fail_requests(*connection, fate.gone ? fate.cause : reason);
      },
      [this, connection, reason](const std::string&) { node_->fail_requests(*connection, reason); });
  if (!ask_fate(pid, answer)) return node_->fail_requests(*connection, reason);
  answer->start_deadline(fate_limit, "");
}

void Worker::on_master_lost(std::function<void()> last, Duration limit) {
  detail::MutexLock lock(mutex_);
  last_functions_.push_back(std::move(last));
  last_limit_ = sum({last_limit_, limit});
}

void Worker::master_lost(const std::shared_ptr<Connection>& connection, const std::string& reason) {
  output_.reset();  // what is printed from now on, and what the master did not get, stays here
  if (leaving_ && owns_process_) return leave(0);
  std::vector<std::function<void()>> functions;
  Duration limit{};
  {
    detail::MutexLock lock(mutex_);
    if (!exit_code_) functions = std::exchange(last_functions_, {});  // else the master has let it go
    limit = last_limit_;
  }
  if (functions.empty() && owns_process_) return end_without_master(reason);
  node_->fail_requests(*connection, "the master is gone: " + reason);
  if (functions.empty()) return end_without_master(reason);
  master_deadline_.start(node_->reactor(), limit, [this, reason, limit] {
    log_error("a function of on_master_lost() has not returned within " + in_seconds(limit));
    end_without_master(reason);
  });
  node_->blocking().run([this, functions = std::move(functions), reason] {
    for (const auto& function : functions) {
      try {
        function();
      } catch (...) {
        log_error("a function of on_master_lost(): " + message_of(std::current_exception()));
      }
    }
    node_->reactor().post([this, reason] { end_without_master(reason); });
  });
}

// Loop thread.
void Worker::end_without_master(const std::string& reason) {
  master_deadline_.stop();
  if (!owns_process_) {
    close_all("the master is gone");
    return leave(1);
  }
  // No clean-up: it may hang now, and nobody is left to be served.
  if (by_hand_ && can_write(STDERR_FILENO)) log_error("the master is gone: " + reason);
  _exit(1);
}

bool Worker::ask_fate(Pid pid, const std::shared_ptr<Request>& answer) {
  auto connection = node_->members().connection(master_pid);
  const auto id = connection == nullptr ? std::nullopt : connection->requests().add(answer);
  if (id) connection->send(FrameKind::fate, 0, *id, to_payload(AskFate{pid}), SendQueue::Mode::before_wait);
  return id.has_value();
}

std::optional<std::string> Worker::cause_if_gone(Pid pid) {
  struct AnswerOfMaster final : Request {
    Fate fate;
    void on_result(Frame&& frame) noexcept override { fate = fate_in(std::move(frame)); }
    void on_lost(const std::string&) noexcept override {}  // without the master this process ends
  };
  auto answer = std::make_shared<AnswerOfMaster>();
  if (!ask_fate(pid, answer)) return std::nullopt;
  if (!wait_interruptibly(node_->reactor(), *answer, deadline_after(fate_limit)) || !answer->fate.gone)
    return std::nullopt;
  return answer->fate.cause;
}

bool Worker::on_frame(const std::shared_ptr<Connection>& connection, Frame&& frame) {
  if (connection != master_) return false;  // only the master manages
  const std::uint64_t request = frame.header.request;
  switch (frame.header.kind) {
    case FrameKind::join:
      on_join(connection, std::move(frame));
      return true;
    case FrameKind::members:
      on_members(connection, std::move(frame));
      return true;
    case FrameKind::dial:
      on_dial(connection, std::move(frame));
      return true;
    case FrameKind::drain:
      on_drain(connection, std::move(frame));
      return true;
    case FrameKind::leave:
      leaving_ = true;
      if (!owns_process_) {
        leave(0);
        close_all("the worker has left");
      } else if (output_ != nullptr) {
        node_->blocking().run([this] {
          std::fflush(stdout);  // may wait until the loop has made room
          node_->reactor().post([this] {
            if (output_ == nullptr) return leave(0);  // the master is lost
            output_->finish([this] { leave(0); });
          });
        });
      } else {
        leave(0);
      }
      return true;
    case FrameKind::launch:
      run_blocking(connection, request, [this, connection, shared = std::make_shared<Frame>(std::move(frame))] {
        launch_additional_workers(*node_, connection, std::move(*shared));
      });
      return true;
    case FrameKind::reap_worker:
      run_blocking(connection, request, [this, connection, shared = std::make_shared<Frame>(std::move(frame))] {
        reap_additional_worker(*node_, connection, std::move(*shared));
      });
      return true;
    default:
      return false;
  }
}

// For a request that waits for others. Where no thread can be started for it, that is the answer.
void Worker::run_blocking(const std::shared_ptr<Connection>& connection, std::uint64_t request,
                          std::function<void()> work) {
  try {
    node_->blocking().run(std::move(work));
  } catch (...) {
    answer_failure(*node_, *connection, request);
  }
}

void Worker::on_join(const std::shared_ptr<Connection>& connection, Frame&& frame) {
  const std::uint64_t request = frame.header.request;
  const auto join = from_frame<Join>(std::move(frame));
  master_deadline_.stop();
  if (join.master_host == process_space()) master_ospid_ = join.master_ospid;
  node_->configure(join.pid, join.timeouts, {Topology::parse(join.topology), join.lazy, join.relay});
  node_->reactor().set_slots(join.slots);
  for (const auto& member : join.members) node_->members().add(member);
  node_->members().set_ids_given(join.ids);
  node_->members().set_epoch(join.epoch);
  node_->membership_changed();
  if (join.send_output && owns_process_) {
    try {
      output_ = std::make_unique<OutputSender>(node_->reactor(), connection);
    } catch (const std::exception& error) {
      log_warning(std::string("what this worker prints is not sent to the master: ") + error.what());
    }
  }
  auto answer_joined = [connection, request] {
    const Joined joined{usable_cpus(), getpid(), host_id()};
    answer(*connection, request, to_payload(joined));
  };
  if (join.dial.empty()) return answer_joined();
  run_blocking(connection, request, [this, answer_joined, dial = join.dial] {
    for (const Pid pid : dial) {
      try {
        node_->connection_to(pid);
      } catch (const std::exception& error) {  // it will be tried again at the first message
        log_warning(error.what());
      }
    }
    answer_joined();
  });
}

void Worker::on_members(const std::shared_ptr<Connection>& connection, Frame&& frame) {
  const std::uint64_t request = frame.header.request;
  const auto change = from_frame<MembersChange>(std::move(frame));
  for (const auto& member : change.added) node_->members().add(member);
  for (const auto& [pid, cause] : change.removed) {
    const auto removed = node_->members().remove(pid, cause);
    if (removed && removed->attempt != nullptr) {
      removed->attempt->error = "it is gone";
      node_->reactor().complete(removed->attempt);
    }
    if (removed && removed->connection != nullptr)
      removed->connection->close("process " + std::to_string(pid) + " was removed from the cluster");
    node_->drop_client(pid);
  }
  for (const Pid pid : change.draining) node_->members().set_draining(pid, true);
  node_->bring_values_from(change.draining);
  for (const Pid pid : change.used_again) node_->members().set_draining(pid, false);
  node_->members().set_epoch(change.epoch);
  node_->membership_changed();
  if (request != 0) answer(*connection, request, {});
}

bool Worker::is_stopped(Pid pid) {
  return pid == master_pid && master_ospid_ != 0 && is_stopped_process(master_ospid_);
}

void Worker::on_dial(const std::shared_ptr<Connection>& connection, Frame&& frame) {
  const std::uint64_t request = frame.header.request;
  const auto dial = from_frame<Dial>(std::move(frame));
  run_blocking(connection, request, [this, connection, request, to = dial.to] {
    try {
      node_->connection_to(to);
      answer(*connection, request, {});
    } catch (...) {
      answer_failure(*node_, *connection, request);
    }
  });
}

void Worker::request_dial_from(Pid pid) {
  struct AnswerOfMaster final : Request {
    NodeImpl* node;
    Pid pid;
    void on_result(Frame&& frame) noexcept override {
      if (frame.header.flags != result_exception) return;  // the connection itself ends the attempt
      Payload payload;
      payload.body = std::move(frame.body);
      node->finish_attempt(pid, message_of(decode_exception(payload, master_pid)));
    }
    void on_lost(const std::string& cause) noexcept override { node->finish_attempt(pid, cause); }
  };
  auto request = std::make_shared<AnswerOfMaster>();
  request->node = node_.get();
  request->pid = pid;
  auto connection = node_->members().connection(master_pid);
  const auto id = connection == nullptr ? std::nullopt : connection->requests().add(request);
  if (!id) return node_->finish_attempt(pid, "the master cannot be asked");
  connection->send(FrameKind::dial, 0, *id, to_payload(Dial{pid, node_->self()}), SendQueue::Mode::before_wait);
}

}  // namespace cohort
