#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <cohort/types.hpp>

namespace cohort::cli {

struct Job {
  std::size_t number = 0;  ///< from 1, in the order of the inputs
  std::vector<std::string> inputs;
  int failures = 0;
  std::set<Pid> failed_on;
};

/// The jobs that no worker has yet. Every function on any thread.
class JobQueue {
 public:
  explicit JobQueue(const std::vector<Pid>& workers) : workers_(workers.begin(), workers.end()) {}

  void add(Job job);
  /// No add() will come any more.
  void close();
  /// The next job for a worker; waits while one may still come. A job that failed before goes to a worker it has not
  /// failed on, as long as there is one. nullopt: there is nothing more to do for this worker.
  std::optional<Job> take(Pid worker);
  /// A taken job ended for good.
  void finish();
  /// A taken job is to be tried again.
  void put_back(Job job);
  /// take() gives out nothing more.
  void stop();
  /// The worker is gone.
  void lose(Pid worker);

  std::size_t waiting() const;
  bool stopped() const;

 private:
  std::deque<Job>::iterator find_for(Pid worker);

  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable changed_;
  std::deque<Job> jobs_;
  std::set<Pid> workers_;
  std::size_t running_ = 0;
  bool closed_ = false;
  bool stopped_ = false;
};

}  // namespace cohort::cli
