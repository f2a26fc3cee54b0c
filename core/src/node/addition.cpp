#include "node/addition.hpp"

#include <algorithm>
#include <utility>

#include <cohort/error.hpp>

#include "base/log.hpp"
#include "node/messages.hpp"
#include "node/seconds.hpp"
#include "remote/exception_codec.hpp"
#include "remote/messages.hpp"

namespace cohort {
namespace {

// An answer that calls back; with a deadline.
class Awaited final : public Request {
 public:
  Awaited(std::function<void(Frame&&)> answered, std::function<void(std::string)> lost)
      : answered_(std::move(answered)), lost_(std::move(lost)) {}
  /// Loop thread.
  void start_deadline(Reactor& reactor, Duration limit, const std::string& late) {
    timer_.start(reactor, limit, [this, late] { end([&] { lost_(late); }); });
  }
  void on_result(Frame&& frame) noexcept override {
    timer_.stop();
    end([&] { answered_(std::move(frame)); });
  }
  void on_lost(const std::string& cause) noexcept override {
    timer_.stop();
    end([&] { lost_(cause); });
  }

 private:
  template <class F>
  void end(F&& how) {
    if (std::exchange(ended_, true)) return;
    how();
    answered_ = nullptr;
    lost_ = nullptr;
  }
  std::function<void(Frame&&)> answered_;
  std::function<void(std::string)> lost_;
  Timer timer_;
  bool ended_ = false;
};

// What a worker announced. Port 0: an address as its transport wrote it, which is dialled as it is.
void take_address(WorkerConfig& config, std::string host, int port) {
  if (port == 0) {
    config.connect_at = std::move(host);
    return;
  }
  if (config.host.empty()) config.host = std::move(host);
  config.port = port;
}

}  // namespace

Addition::Addition(Master& master, std::shared_ptr<ClusterManager> manager, std::string manager_name,
                   LaunchParams params, Timeouts timeouts)
    : master_(master),
      manager_(std::move(manager)),
      manager_name_(std::move(manager_name)),
      params_(std::move(params)),
      timeouts_(timeouts) {
  params_.timeout = timeouts_.launch;
  params_.stop = stop_.get_token();
}

std::vector<Pid> Addition::run() {
  master_.node().blocking().run([self = shared_from_this()] { self->launch(); });
  Reactor& reactor = master_.node().reactor();
  if (reactor.wait(*finished_, deadline_after(timeouts_.launch)) == WaitResult::timeout) {
    stop_.request_stop();
    std::lock_guard lock(mutex_);
    errors_.push_back(std::make_exception_ptr(LaunchError("the workers of manager '" + manager_name_ +
                                                          "' were not all up within " + in_seconds(timeouts_.launch))));
  }
  std::vector<MemberInfo> added;
  std::vector<std::exception_ptr> errors;
  {
    std::lock_guard lock(mutex_);
    added = added_;
    errors = errors_;
  }
  master_.announce_members(added);
  if (errors.size() == 1) std::rethrow_exception(errors.front());
  if (!errors.empty()) throw CompositeException(std::move(errors));
  std::vector<Pid> pids;
  for (const auto& member : added) pids.push_back(member.pid);
  std::sort(pids.begin(), pids.end());
  return pids;
}

void Addition::launch() {
  try {
    manager_->launch(params_, *this);
  } catch (const Error&) {
    std::lock_guard lock(mutex_);
    errors_.push_back(std::current_exception());
  } catch (const std::exception& error) {
    std::lock_guard lock(mutex_);
    errors_.push_back(std::make_exception_ptr(
        LaunchError("manager '" + manager_name_ + "' could not launch its workers: " + error.what())));
  } catch (...) {
    std::lock_guard lock(mutex_);
    errors_.push_back(
        std::make_exception_ptr(LaunchError("manager '" + manager_name_ + "' could not launch its workers")));
  }
  {
    std::lock_guard lock(mutex_);
    connecting_--;
  }
  master_.node().reactor().post([self = shared_from_this()] { self->join_those_ready(); });
  step_ended();
}

void Addition::push(WorkerConfig config) {
  auto record = master_.make_record(shared_from_this(), manager_, manager_name_);
  record->config = std::move(config);
  {
    std::lock_guard lock(mutex_);
    open_++;
    connecting_++;
  }
  begin(record);
}

void Addition::begin(const Record& record) {
  if (!record->config.io) return dial(record);
  auto self = shared_from_this();
  record->output = master_.output().watch(
      *record->config.io, deadline_after(timeouts_.connect),
      [self, record](std::string host, int port) {
        take_address(record->config, std::move(host), port);
        self->dial(record);
      },
      [self, record](std::string message) { self->fail(record, message); });
  master_.output().set_pid(*record->output, record->pid);
}

void Addition::dial(const Record& record) {
  master_.node().blocking().run([self = shared_from_this(), record] {
    Node& node = self->master_.node();
    try {
      IoPair pair = record->manager->connect(record->pid, record->config, node.transport(),
                                             deadline_after(self->timeouts_.connect));
      node.add_connection(std::move(pair), record->pid);
    } catch (const std::exception& error) {
      self->fail(record, error.what());
    }
  });
}

// Loop thread.
void Addition::established(const Record& record, const std::shared_ptr<Connection>& connection) {
  record->connection = connection;
  {
    std::lock_guard lock(mutex_);
    if (failed_.contains(record->pid)) return connection->close("its set-up failed");
    established_.insert(record->pid);
    connecting_--;
    ready_.push_back(record);
  }
  join_those_ready();
}

// Loop thread. Workers that connect to each other as they join must all be listening first.
void Addition::join_those_ready() {
  std::vector<Record> ready;
  {
    std::lock_guard lock(mutex_);
    const bool wait_for_all = master_.node().topology() == Topology::all_to_all && !master_.node().lazy();
    if (wait_for_all && connecting_ > 0) return;
    ready = std::exchange(ready_, {});
  }
  std::sort(ready.begin(), ready.end(), [](const Record& a, const Record& b) { return a->pid < b->pid; });
  for (const auto& record : ready) master_.node().members().add({record->pid, record->config.connect_at});
  for (const auto& record : ready) send_join(record);
}

void Addition::send_join(const Record& record) {
  Node& node = master_.node();
  if (!node.members().bind(record->pid, record->connection)) return fail(record, "it left while it joined");
  Join join;
  join.pid = record->pid;
  join.epoch = node.members().epoch();
  join.topology = static_cast<std::uint8_t>(node.topology());
  join.lazy = node.lazy();
  join.slots = record->config.threads;
  join.timeouts = node.timeouts();
  join.members = node.members().list();
  if (node.topology() == Topology::all_to_all && !node.lazy()) {
    for (const auto& member : join.members) {
      if (member.pid != master_pid && member.pid < record->pid) join.dial.push_back(member.pid);
    }
  }
  auto self = shared_from_this();
  auto request = std::make_shared<Awaited>([self, record](Frame&& answer) { self->joined(record, std::move(answer)); },
                                           [self, record](const std::string& cause) { self->fail(record, cause); });
  const auto id = record->connection->requests().add(request);
  if (!id) return fail(record, "the connection ended");
  request->start_deadline(node.reactor(), timeouts_.connect,
                          "worker did not connect within " + in_seconds(timeouts_.connect));
  record->connection->send(FrameKind::join, 0, *id, to_payload(join), SendQueue::Mode::gather_on_loop);
}

// Loop thread.
void Addition::joined(const Record& record, Frame&& answer) {
  Joined joined;
  try {
    joined = from_frame<Joined>(std::move(answer));
  } catch (const std::exception& error) {
    return fail(record, std::string("its answer to join is not understood: ") + error.what());
  }
  if (record->config.ospid == 0) record->config.ospid = joined.ospid;
  if (record->config.count_auto) record->config.count = joined.cpu_threads;
  record->joined.store(true);
  {
    std::lock_guard lock(mutex_);
    added_.push_back({record->pid, record->config.connect_at});
  }
  master_.node().blocking().run([self = shared_from_this(), record] {
    try {
      std::lock_guard one_at_a_time(record->managing);
      record->manager->manage(record->pid, record->config, ManageOp::register_worker);
    } catch (const std::exception& error) {
      log_warning("manager '" + record->manager_name + "', register: " + error.what());
    }
    if (record->config.count > 1) self->launch_more(record);
    self->step_ended();
  });
}

// The first worker of a host starts the others there.
void Addition::launch_more(const Record& first) {
  Launch launch;
  launch.exename = first->config.exename;
  launch.exeflags = params_.exeflags;
  launch.exeflags.insert(launch.exeflags.end(), first->config.exeflags.begin(), first->config.exeflags.end());
  launch.timeout_nanoseconds = timeouts_.connect.count();
  std::vector<Record> more;
  for (int i = 1; i < first->config.count; i++) {
    auto record = master_.make_record(shared_from_this(), manager_, manager_name_);
    WorkerConfig& config = record->config;
    config.host = first->config.host;
    config.tunnel = first->config.tunnel;
    config.multiplex = first->config.multiplex;
    config.sshflags = first->config.sshflags;
    config.exename = first->config.exename;
    config.exeflags = first->config.exeflags;
    config.threads = first->config.threads;
    launch.pids.push_back(record->pid);
    more.push_back(std::move(record));
  }
  {
    std::lock_guard lock(mutex_);
    open_ += static_cast<int>(more.size());
    connecting_ += static_cast<int>(more.size());
  }
  auto self = shared_from_this();
  auto request = std::make_shared<Awaited>(
      [self, first, more](Frame&& answer) { self->take_launched(first, more, std::move(answer)); },
      [self, more](const std::string& cause) {
        for (const auto& record : more)
          self->fail(record, "the first worker of its host could not launch it: " + cause);
      });
  master_.node().reactor().post([this, self, first, more, request, launch] {
    const auto id = first->connection->requests().add(request);
    if (!id) return request->on_lost("the connection ended");
    request->start_deadline(master_.node().reactor(), timeouts_.launch,
                            "no answer within " + in_seconds(timeouts_.launch));
    first->connection->send(FrameKind::launch, 0, *id, to_payload(launch), SendQueue::Mode::gather_on_loop);
  });
}

void Addition::take_launched(const Record& first, const std::vector<Record>& more, Frame&& answer) {
  Launched launched;
  std::string problem =
      "the first worker of its host, process " + std::to_string(first->pid) + ", could not launch it: ";
  try {
    if (answer.header.flags == result_exception) {
      Payload payload;
      payload.body = std::move(answer.body);
      problem += message_of(decode_exception(payload, first->pid));
    } else {
      launched = from_frame<Launched>(std::move(answer));
    }
  } catch (const std::exception& error) {
    problem += error.what();
  }
  for (std::size_t i = 0; i < more.size(); i++) {
    if (i >= launched.workers.size()) {
      fail(more[i], problem);
    } else if (const auto& worker = launched.workers[i]; !worker.error.empty()) {
      fail(more[i], worker.error);
    } else {
      take_address(more[i]->config, worker.host, worker.port);
      more[i]->config.ospid = worker.ospid;
      dial(more[i]);
    }
  }
}

void Addition::lost(const Record& record, const std::string& reason) { fail(record, reason); }

// Any thread; the first failure of a worker counts.
void Addition::fail(const Record& record, const std::string& what) {
  {
    std::lock_guard lock(mutex_);
    if (!failed_.insert(record->pid).second) return;
    std::erase(ready_, record);
    if (!established_.contains(record->pid)) connecting_--;
  }
  master_.node().blocking().run([self = shared_from_this(), record, what] {
    std::string message = what;
    try {
      std::lock_guard one_at_a_time(record->managing);
      if (const auto cause = record->manager->exit_cause(record->pid, record->config); !cause.empty()) {
        message += " (the worker " + cause + ")";
      }
      record->manager->kill(record->pid, record->config);
    } catch (const std::exception& error) {
      log_warning("manager '" + record->manager_name + "', kill: " + error.what());
    }
    {
      std::lock_guard lock(self->mutex_);
      self->errors_.push_back(std::make_exception_ptr(LaunchError(message)));
    }
    self->master_.forget(record);
    self->master_.node().reactor().post([self, record] {
      if (record->connection != nullptr) record->connection->close("its set-up failed");
      self->join_those_ready();
    });
    self->step_ended();
  });
}

void Addition::step_ended() {
  {
    std::lock_guard lock(mutex_);
    if (--open_ > 0) return;
  }
  master_.node().reactor().complete(finished_);
}

}  // namespace cohort
