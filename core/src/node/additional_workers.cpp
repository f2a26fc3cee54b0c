#include <signal.h>

#include <map>
#include <utility>

#include <cohort/child_process.hpp>
#include <cohort/detail/mutex.hpp>
#include <cohort/error.hpp>
#include <cohort/file_access.hpp>

#include "base/log.hpp"
#include "io/output_forwarder.hpp"
#include "node/messages.hpp"
#include "node/worker.hpp"
#include "remote/exception_codec.hpp"
#include "remote/messages.hpp"

namespace cohort {
namespace {

constexpr Duration cause_limit = std::chrono::seconds(1);  // a process whose connection ended is about to end itself
constexpr Duration leave_limit = std::chrono::seconds(2);  // for those that were asked to leave

// An additional worker.
struct Sibling {
  explicit Sibling(ChildProcess started) : process(std::move(started)) {}
  detail::Mutex mutex;
  ChildProcess process COHORT_GUARDED_BY(mutex);
};

// This process's additional workers. They die with it: nobody else could end them, or show what they print. Their
// output is prefixed here, and passes the master unchanged. Never destroyed, as blocking threads use it to the end.
struct Siblings {
  OutputForwarder output;
  detail::Mutex mutex;  // not held while one of them is waited for
  std::map<Pid, std::shared_ptr<Sibling>> running COHORT_GUARDED_BY(mutex);

  static Siblings& instance() {
    static auto* siblings = new Siblings;
    return *siblings;
  }

  std::shared_ptr<Sibling> find(Pid pid) {
    detail::MutexLock lock(mutex);
    const auto found = running.find(pid);
    return found == running.end() ? nullptr : found->second;
  }
  void forget(Pid pid) {
    detail::MutexLock lock(mutex);
    running.erase(pid);
  }
};

// What one of them announced.
struct Announcing : Completion {
  Launched::Worker worker;
};

}  // namespace

void launch_additional_workers(NodeImpl& node, const std::shared_ptr<Connection>& connection, Frame&& frame) {
  const std::uint64_t request = frame.header.request;
  Launched launched;
  std::vector<std::shared_ptr<Announcing>> announcing;
  Launch launch;
  try {
    launch = from_frame<Launch>(std::move(frame));
  } catch (...) {
    connection->send(FrameKind::result, result_exception, request,
                     encode_exception(std::current_exception(), node.self()), SendQueue::Mode::now);
    return;
  }
  Siblings& siblings = Siblings::instance();
  const auto deadline = deadline_after(Duration(launch.timeout_nanoseconds));
  for (const Pid pid : launch.pids) {
    auto announced = announcing.emplace_back(std::make_shared<Announcing>());
    try {
      SpawnOptions spawn;
      spawn.command = {launch.exename.empty() ? std::string("/proc/self/exe") : expand_home(launch.exename)};
      spawn.command.insert(spawn.command.end(), launch.exeflags.begin(), launch.exeflags.end());
      spawn.input = node.cookie() + "\n";
      spawn.die_with_parent = true;  // blocking threads live as long as the process
      spawn.end_with_children = true;
      auto process = ChildProcess::spawn(spawn);
      announced->worker.ospid = process.pid();
      const auto id = siblings.output.watch(
          {process.take_out(), process.take_err()}, deadline,
          [&node, announced](std::string host, int port) {
            announced->worker.host = std::move(host);
            announced->worker.port = port;
            node.reactor().complete(announced);
          },
          [&node, announced](StartupFailure why, std::string message) {
            announced->worker.error = std::move(message);
            announced->worker.ended = why == StartupFailure::ended;
            node.reactor().complete(announced);
          });
      siblings.output.set_pid(id, pid);
      detail::MutexLock lock(siblings.mutex);
      siblings.running.emplace(pid, std::make_shared<Sibling>(std::move(process)));
    } catch (const std::exception& error) {
      announced->worker.error = error.what();
      node.reactor().complete(announced);
    }
  }
  for (const auto& announced : announcing) {
    node.reactor().wait(*announced);  // the forwarder ends it by the deadline
    launched.workers.push_back(announced->worker);
  }
  connection->send(FrameKind::result, result_value, request, to_payload(launched), SendQueue::Mode::now);
}

void reap_additional_worker(NodeImpl& node, const std::shared_ptr<Connection>& connection, Frame&& frame) {
  const std::uint64_t request = frame.header.request;
  WorkerExit end;
  try {
    const auto asked = from_frame<ReapWorker>(std::move(frame));
    if (const auto sibling = Siblings::instance().find(asked.pid)) {
      const Timeouts limits = node.timeouts();
      detail::MutexLock one_at_a_time(sibling->mutex);
      const auto status = asked.terminate ? sibling->process.terminate(limits.term, limits.kill)
                                          : sibling->process.wait_until(deadline_after(cause_limit));
      if (status) {
        end.cause = status->text();
        Siblings::instance().forget(asked.pid);
      }
    }
  } catch (const std::exception& error) {
    log_warning(error.what());
  }
  connection->send(FrameKind::result, result_value, request, to_payload(end), SendQueue::Mode::now);
}

void end_additional_workers() {
  Siblings& siblings = Siblings::instance();
  std::map<Pid, std::shared_ptr<Sibling>> left;
  {
    detail::MutexLock lock(siblings.mutex);
    left.swap(siblings.running);
  }
  const auto deadline = deadline_after(leave_limit);
  for (const auto& [pid, sibling] : left) {
    detail::MutexLock one_at_a_time(sibling->mutex);
    if (!sibling->process.wait_until(deadline)) sibling->process.signal(SIGKILL);
  }
  siblings.output.stop(leave_limit);
}

}  // namespace cohort
