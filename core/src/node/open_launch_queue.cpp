#include "node/open_launch_queue.hpp"

#include <utility>

#include <cohort/error.hpp>
#include <cohort/file_descriptor.hpp>

#include "base/log.hpp"

namespace cohort {
namespace {

// Nobody reads what it prints.
void drop(const WorkerConfig& config) {
  if (!config.io) return;
  FileDescriptor(config.io->out).reset();
  FileDescriptor(config.io->err).reset();
}

}  // namespace

OpenLaunchQueue::OpenLaunchQueue(Master& master, const std::shared_ptr<ClusterManager>& manager,
                                 std::string manager_name, LaunchParams params, WorkerNames names)
    : manager_(manager),
      manager_name_(std::move(manager_name)),
      params_(std::move(params)),
      names_(std::move(names)),
      master_(&master) {}

void OpenLaunchQueue::push(WorkerConfig config) {
  detail::MutexLock lock(mutex_);
  if (master_ == nullptr) return drop(config);
  waiting_.push_back(std::move(config));
  if (!std::exchange(adding_, true))
    master_->node().blocking().run([self = shared_from_this()] { self->add_waiting(); });
}

void OpenLaunchQueue::fail(std::string what, int) { log_warning("manager '" + manager_name_ + "': " + what); }

void OpenLaunchQueue::expect(bool more) {
  if (expects_.exchange(more) == more || more) return;
  detail::MutexLock lock(mutex_);
  if (master_ != nullptr) master_->node().membership_changed(true);  // maps that wait look again
}

void OpenLaunchQueue::close() {
  detail::MutexLock lock(mutex_);
  master_ = nullptr;
  for (const auto& config : std::exchange(waiting_, {})) drop(config);
}

// A blocking thread; the master waits for those before it goes.
void OpenLaunchQueue::add_waiting() {
  for (;;) {
    std::vector<WorkerConfig> arrived;
    Master* master = nullptr;
    const auto manager = manager_.lock();
    {
      detail::MutexLock lock(mutex_);
      if (waiting_.empty() || manager == nullptr) {
        adding_ = false;
        return;
      }
      arrived = std::exchange(waiting_, {});
      master = master_;
    }
    try {
      master->add_arrived(manager, manager_name_, params_, names_, std::move(arrived));
    } catch (const std::exception& error) {
      log_error(error.what());
    }
  }
}

}  // namespace cohort
