#pragma once

#include <any>
#include <condition_variable>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include <cohort/cluster_manager.hpp>
#include <cohort/detail/mutex.hpp>
#include <cohort/join_file.hpp>
#include <cohort/worker_acceptor.hpp>

namespace cohort::batch {

/// Where workers dial in that somebody else starts: a listener. The first ones are those for which a launch waits;
/// those that come later join by themselves.
class Door {
 public:
  /// @param listen where, as the cluster's transport takes it. @param on_arrival called for each worker before it is
  /// passed on, on a plugin thread, one at a time.
  explicit Door(
      std::string listen, std::function<void(const cohort::WorkerConfig&)> on_arrival = [](const auto&) {});
  /// Closes it.
  ~Door();
  Door(const Door&) = delete;
  Door& operator=(const Door&) = delete;

  /// Listens, if it does not yet: workers that come from now on are started as the last launch says. Within launch().
  /// @throws Error.
  void listen(const cohort::LaunchParams& params);
  /// Takes workers in, and waits for `count` from now on. After listen(), as often as there are launches.
  void open(cohort::LaunchQueue& launched, std::int64_t count);
  /// Where it listens; empty before listen().
  std::string address();
  /// What a worker needs to come, with the cookie. After listen().
  cohort::JoinFile join_file();
  /// The same with a token for each of `count` workers instead of the cookie. @param userdata of their configs.
  cohort::JoinFile join_file(std::size_t count, const std::any& userdata);
  /// Whether more workers will come by themselves: see LaunchQueue::expect().
  void expect(bool more);
  /// Workers that have not come yet cannot come by these tokens any more.
  void revoke(const std::vector<cohort::JoinToken>& tokens);

  /// Blocks until at most `few` workers of this launch are missing, until the deadline, or until a stop is requested.
  /// @return how many are missing.
  std::int64_t wait(const std::stop_token& stop, cohort::Clock::time_point deadline = cohort::Clock::time_point::max(),
                    std::int64_t few = 0);
  /// The launch is over: whoever comes now joins by itself. @return how many are missing. Before launch() returns.
  std::int64_t end_launch();

 private:
  void take_in(cohort::WorkerConfig worker);

  const std::string listen_;
  const std::function<void(const cohort::WorkerConfig&)> on_arrival_;

  cohort::detail::Mutex mutex_;
  std::condition_variable_any came_;
  std::int64_t wanted_ COHORT_GUARDED_BY(mutex_) = 0;  // workers that the launch under way still waits for
  cohort::LaunchQueue* taking_ COHORT_GUARDED_BY(mutex_) = nullptr;  // while it does
  std::shared_ptr<cohort::LaunchQueue> later_ COHORT_GUARDED_BY(mutex_);
  cohort::JoinFile join_ COHORT_GUARDED_BY(mutex_);
  std::unique_ptr<cohort::WorkerAcceptor> acceptor_ COHORT_GUARDED_BY(mutex_);  // its calls use all above
};

}  // namespace cohort::batch
