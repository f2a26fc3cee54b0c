#include <mutex>
#include <optional>

#include <cohort/child_process.hpp>
#include <cohort/error.hpp>

#include "io/output_forwarder.hpp"
#include "node/messages.hpp"
#include "node/worker.hpp"
#include "remote/exception_codec.hpp"
#include "remote/messages.hpp"

namespace cohort {
namespace {

// Of this process's additional workers. They outlive it: each has its own connection to the master, so none of this is
// ever destroyed. Their output is prefixed here, and passes the master unchanged.
struct Siblings {
  OutputForwarder output;
  std::mutex mutex;  // guards processes
  std::vector<ChildProcess> processes;

  static Siblings& instance() {
    static auto* siblings = new Siblings;
    return *siblings;
  }

  /// Ends the zombies of those that have left.
  void reap() {
    std::lock_guard lock(mutex);
    std::erase_if(processes, [](ChildProcess& process) { return process.poll().has_value(); });
  }
};

// What one of them announced.
struct Announcing : Completion {
  Launched::Worker worker;
};

}  // namespace

void launch_additional_workers(Node& node, const std::shared_ptr<Connection>& connection, Frame&& frame) {
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
  siblings.reap();
  const auto deadline = deadline_after(Duration(launch.timeout_nanoseconds));
  for (const Pid pid : launch.pids) {
    auto announced = announcing.emplace_back(std::make_shared<Announcing>());
    try {
      SpawnOptions spawn;
      spawn.command = {launch.exename.empty() ? std::string("/proc/self/exe") : launch.exename};
      spawn.command.insert(spawn.command.end(), launch.exeflags.begin(), launch.exeflags.end());
      spawn.input = node.cookie() + "\n";
      auto process = ChildProcess::spawn(spawn);
      announced->worker.ospid = process.pid();
      const auto id = siblings.output.watch(
          {process.take_out(), process.take_err()}, deadline,
          [&node, announced](std::string host, int port) {
            announced->worker.host = std::move(host);
            announced->worker.port = port;
            node.reactor().complete(announced);
          },
          [&node, announced](std::string message) {
            announced->worker.error = std::move(message);
            node.reactor().complete(announced);
          });
      siblings.output.set_pid(id, pid);
      std::lock_guard lock(siblings.mutex);
      siblings.processes.push_back(std::move(process));
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

}  // namespace cohort
