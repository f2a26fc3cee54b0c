#pragma once

#include <cstddef>
#include <deque>
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

/// The jobs that no worker has yet. One thread.
class JobQueue {
 public:
  explicit JobQueue(const std::vector<Pid>& workers) : workers_(workers.begin(), workers.end()) {}

  void add(Job job);
  /// No add() will come any more.
  void close() { closed_ = true; }
  /// A job for a worker. A job that failed before goes to a worker it has not failed on, as long as there is one.
  /// nullopt: there is nothing for this worker now.
  std::optional<Job> take(Pid worker);
  /// A taken job ended for good.
  void finish() { running_--; }
  /// A taken job is to be tried again.
  void put_back(Job job);
  /// take() gives out nothing more.
  void stop() { stopped_ = true; }
  /// The worker is gone.
  void lose(Pid worker) { workers_.erase(worker); }

  std::size_t waiting() const { return jobs_.size(); }
  bool stopped() const { return stopped_; }
  /// All jobs ended, and no more will come.
  bool finished() const { return closed_ && jobs_.empty() && running_ == 0; }

 private:
  std::deque<Job>::iterator find_for(Pid worker);

  std::deque<Job> jobs_;
  std::set<Pid> workers_;
  std::size_t running_ = 0;
  bool closed_ = false;
  bool stopped_ = false;
};

}  // namespace cohort::cli
