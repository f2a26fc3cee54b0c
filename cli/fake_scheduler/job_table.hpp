#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "job.hpp"
#include "settings.hpp"

namespace cohort::fake_scheduler {

/// A queue, or partition, that jobs can be sent to.
struct Queue {
  std::string name;
  bool down = false;  ///< takes jobs, and starts none
  std::optional<Milliseconds> longest = {};
};

/// All jobs, and what is said of them. Nothing here starts or ends a process.
class JobTable {
 public:
  /// @param queue the name of the usual queue.
  explicit JobTable(std::string queue);

  /// Takes a job, or the parts of an array, which then have numbers of their own. @return them.
  std::vector<Job*> add(const JobSpec& spec, const std::vector<int>& array_tasks, int at_once, bool is_allocation,
                        Time now);
  /// Changes the status, and keeps what it was.
  void set(Job& job, JobStatus status, Time now);

  /// Null: there is none, or it vanished.
  Job* find(JobNumber number);
  /// A part of an array; null: there is none.
  Job* find(JobNumber array, int task);
  /// Those of that number, which may be an array's. None that vanished.
  std::vector<Job*> find_all(JobNumber number);
  /// In the order of their numbers, with those that vanished.
  std::map<JobNumber, Job>& all() { return jobs_; }
  const std::map<JobNumber, Job>& all() const { return jobs_; }

  /// What status commands say at that time.
  std::vector<JobView> views(const Faults& faults, Time now) const;

  /// Null: there is none of that name.
  Queue* find_queue(std::string_view name);
  const std::vector<Queue>& queues() const { return queues_; }

  int waiting() const;
  /// Forgets jobs that ended before that time, and of those that are left so many that few enough are.
  void forget_ended_before(Time time);

 private:
  static constexpr std::size_t most_ended = 20'000;

  std::map<JobNumber, Job> jobs_;
  std::vector<Queue> queues_;
  JobNumber next_ = 1;
};

}  // namespace cohort::fake_scheduler
