#include <cohort/lifecycle.hpp>

#include <algorithm>
#include <utility>

#include <cohort/error.hpp>
#include <cohort/remotecall.hpp>

#include "base/durations.hpp"
#include "node/messages.hpp"
#include "node/session.hpp"
#include "node/worker_callbacks.hpp"

namespace cohort {

void add_worker_callbacks(const std::string& key, WorkerCallbacks callbacks) {
  current_master().callbacks().add(key, std::move(callbacks));
}

void remove_worker_callbacks(const std::string& key) { current_master().callbacks().remove(key); }

void drain(const std::vector<Pid>& pids, const DrainOptions& options) { current_master().drain(pids, options); }

void setstatus(const std::string& status) {
  NodeImpl& node = current_node();
  std::size_t size = std::min(status.size(), longest_status);
  while (size < status.size() && size > 0 && (status[size] & 0xc0) == 0x80) size--;  // not within a character of UTF-8
  if (Master* master = node.role().as_master())
    return master->set_status(master_pid, std::string_view(status).substr(0, size));
  const auto connection = node.members().connection(master_pid);
  if (connection == nullptr) throw Error("this worker has no master to tell its status");
  connection->send(FrameKind::status, 0, std::as_bytes(std::span(status)).first(size), SendQueue::Mode::now);
}

std::string getstatus(Pid pid) {
  if (Master* master = master_or_null()) return master->status(pid);
  return ask_master([](Pid asked) { return current_master().status(asked); }, pid);
}

void on_master_lost(std::function<void()> last, Duration limit) {
  refuse_shorter(limit, Duration(1), "the limit of on_master_lost()");
  Worker* worker = current_node().role().as_worker();
  if (worker == nullptr) throw Error("on_master_lost(): this process is not a worker");
  detail::check_not_null(last);
  worker->on_master_lost(std::move(last), limit);
}

}  // namespace cohort
