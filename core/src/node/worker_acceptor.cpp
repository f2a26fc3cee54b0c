#include <cohort/worker_acceptor.hpp>

#include <exception>
#include <utility>

#include <cohort/detail/mutex.hpp>
#include <cohort/error.hpp>

#include "base/log.hpp"
#include "membership/arrival.hpp"
#include "node/session.hpp"
#include "remote/exception_codec.hpp"

namespace cohort {

class WorkerAcceptor::Impl final : public ArrivedWorkers, public std::enable_shared_from_this<Impl> {
 public:
  Impl(Master& master, std::function<void(WorkerConfig)> on_arrived)
      : master_(&master), on_arrived_(std::move(on_arrived)) {}

  void arrived(WorkerConfig config) noexcept override {
    const detail::MutexLock one_at_a_time(mutex_);
    if (on_arrived_ == nullptr) return;
    try {
      on_arrived_(std::move(config));
    } catch (...) {
      log_warning("a worker that wanted to join was refused: " + message_of(std::current_exception()));
    }
  }

  void master_ends() noexcept override {
    const detail::MutexLock lock(master_mutex_);
    master_ = nullptr;
  }

  /// @throws Error.
  template <class Use>
  void with_node(Use use) {
    const detail::MutexLock lock(master_mutex_);
    if (master_ == nullptr) throw Error("the cluster has ended");
    use(master_->node());
  }

  void close() {
    {
      const detail::MutexLock lock(master_mutex_);
      if (master_ != nullptr) master_->node().stop_accepting(shared_from_this());
    }
    const detail::MutexLock not_in_a_call(mutex_);
    on_arrived_ = nullptr;
  }

 private:
  detail::Mutex master_mutex_;  // the master does not end while it is used
  Master* master_ COHORT_GUARDED_BY(master_mutex_);
  detail::Mutex mutex_;
  std::function<void(WorkerConfig)> on_arrived_ COHORT_GUARDED_BY(mutex_);
};

WorkerAcceptor::WorkerAcceptor(std::function<void(WorkerConfig)> on_arrived)
    : impl_(std::make_shared<Impl>(current_master(), std::move(on_arrived))) {
  current_master().add_acceptor(impl_);
}

WorkerAcceptor::~WorkerAcceptor() { impl_->close(); }

std::string WorkerAcceptor::accept_at(std::unique_ptr<Listener> listener) {
  std::string address = listener->address();
  impl_->with_node([&](NodeImpl& node) { node.accept_at(std::move(listener), impl_); });
  return address;
}

void WorkerAcceptor::process_messages(IoPair incoming) {
  impl_->with_node([&](NodeImpl& node) { node.add_connection(std::move(incoming), no_pid, impl_); });
}

}  // namespace cohort
