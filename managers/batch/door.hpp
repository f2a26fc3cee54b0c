#pragma once

#include <any>
#include <condition_variable>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>

#include <cohort/cluster_manager.hpp>
#include <cohort/detail/mutex.hpp>
#include <cohort/file_descriptor.hpp>
#include <cohort/join_file.hpp>
#include <cohort/worker_acceptor.hpp>

namespace cohort_batch {

/// Where workers dial in that somebody else starts: a listener, and the join file by which they find it. The first ones
/// are those for which a launch waits; those that come later join by themselves.
class Door {
 public:
  /// @param listen where, as the cluster's transport takes it. @param file the join file.
  /// @param mark the userdata of each worker that comes.
  Door(std::string listen, std::filesystem::path file, std::any mark = {});
  /// Closes it, and removes the join file.
  ~Door();
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  /// Listens, writes the join file, and waits for `count` workers from now on. Within launch(), and as often as there
  /// are launches: workers that come later are started as the last one says. @throws Error; what an earlier launch has
  /// opened stays open.
  void open(const cohort::LaunchParams& params, cohort::LaunchQueue& launched, std::int64_t count);
  /// Blocks until all workers of this launch have come, until the deadline, or until a stop is requested.
  /// @return how many are missing.
  std::int64_t wait(const std::stop_token& stop, cohort::Clock::time_point deadline = cohort::Clock::time_point::max());
  /// The launch is over: whoever comes now joins by itself. @return how many are missing. Before launch() returns.
  std::int64_t end_launch();
  /// How many workers have come, over all launches.
  std::int64_t arrived();
  /// What is in the join file; a secret.
  const cohort::JoinFile& join_file() const { return join_; }

 private:
  void take_in(cohort::WorkerConfig worker);

  const std::string listen_;
  const std::filesystem::path file_;
  const std::any mark_;
  cohort::JoinFile join_;  // written by open()

  cohort::detail::Mutex mutex_;
  std::condition_variable_any came_;
  std::int64_t wanted_ COHORT_GUARDED_BY(mutex_) = 0;  // workers that the launch under way still waits for
  std::int64_t arrived_ COHORT_GUARDED_BY(mutex_) = 0;
  cohort::LaunchQueue* taking_ COHORT_GUARDED_BY(mutex_) = nullptr;  // while it does
  std::shared_ptr<cohort::LaunchQueue> later_ COHORT_GUARDED_BY(mutex_);
  cohort::FileDescriptor written_ COHORT_GUARDED_BY(mutex_);  // the join file; open while it is in use
  std::string address_ COHORT_GUARDED_BY(mutex_);             // of acceptor_
  std::unique_ptr<cohort::WorkerAcceptor> acceptor_ COHORT_GUARDED_BY(mutex_);  // its calls use all above
};

}  // namespace cohort_batch
