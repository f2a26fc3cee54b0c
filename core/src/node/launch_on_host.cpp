// How the first worker of a host launches the others there.

#include <utility>

#include "base/durations.hpp"
#include "node/addprocs_call.hpp"
#include "node/callback_request.hpp"
#include "node/messages.hpp"
#include "remote/exception_codec.hpp"
#include "remote/messages.hpp"

namespace cohort {

void AddprocsCall::launch_more(const Record& first) {
  Launch launch;
  launch.exename = first->config.exename;
  launch.exeflags = params_.exeflags;
  launch.exeflags.insert(launch.exeflags.end(), first->config.exeflags.begin(), first->config.exeflags.end());
  // Where the first one listens, but at ports of their own.
  if (!first->config.bind_addr.empty()) launch.exeflags.push_back("--bind-to=" + first->config.bind_addr);
  launch.timeout_nanoseconds = timeouts_.launch.count();
  std::vector<Record> more;
  for (int i = 1; i < first->config.count; i++) {
    auto record = make_record();
    record->launched_by = first;
    WorkerConfig& config = record->config;
    config.host = first->config.host;
    config.tunnel = first->config.tunnel;
    config.sshflags = first->config.sshflags;
    config.exename = first->config.exename;
    config.exeflags = first->config.exeflags;
    config.threads = first->config.threads;
    launch.pids.push_back(record->pid);
    more.push_back(std::move(record));
  }
  bool stopped;
  {
    detail::MutexLock lock(mutex_);
    open_ += static_cast<int>(more.size());
    connecting_ += static_cast<int>(more.size());
    stopped = stopped_;
  }
  if (stopped) {
    for (const auto& record : more) fail(record, Step::announce, Process::still_runs, "Its launch was stopped.");
    return;
  }
  auto self = shared_from_this();
  auto request = std::make_shared<CallbackRequest>(
      master_.node().reactor(),
      [self, first, more](Frame&& answer) { self->take_launched(first, more, std::move(answer)); },
      [self, more](const std::string& cause) {
        for (const auto& record : more) {
          self->fail(record, Step::announce, Process::still_runs,
                     "The first worker of its host could not launch it: " + cause);
        }
      });
  master_.node().reactor().post([this, self, first, more, request, launch] {
    const auto id = first->connection->requests().add(request);
    if (!id) return request->on_lost("the connection ended");
    const Duration limit = sum({timeouts_.launch, std::chrono::seconds(5)});
    request->start_deadline(limit, "no answer within " + in_seconds(limit));
    first->connection->send(FrameKind::launch, 0, *id, to_payload(launch), SendQueue::Mode::gather_on_loop);
  });
}

void AddprocsCall::take_launched(const Record& first, const std::vector<Record>& more, Frame&& answer) {
  Launched launched;
  std::string problem =
      "The first worker of its host, process " + std::to_string(first->pid) + ", could not launch it: ";
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
      fail(more[i], Step::announce, Process::still_runs, problem);
    } else if (const auto& worker = launched.workers[i]; !worker.error.empty()) {
      fail(more[i], Step::announce, worker.ended ? Process::may_have_ended : Process::still_runs, worker.error);
    } else {
      take_address(more[i]->config, worker.host, worker.port);
      more[i]->config.ospid = worker.ospid;
      dial(more[i]);
    }
  }
}

}  // namespace cohort
