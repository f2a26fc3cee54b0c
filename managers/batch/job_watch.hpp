#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include <cohort/batch/queue_driver.hpp>
#include <cohort/detail/mutex.hpp>
#include <cohort/types.hpp>

namespace cohort::batch {

/// What the scheduler says of all jobs of a manager: one query for all of them, at a bounded rate. While nothing
/// changes, or while queries fail, the pauses between them grow. Any thread.
class JobWatch {
 public:
  /// @param shortest, longest pause between two queries.
  JobWatch(QueueDriver& driver, cohort::Duration shortest, cohort::Duration longest);

  void add(const JobId& job);
  void remove(const JobId& job);
  /// What the last query said. A query is made if it is time for one; then this blocks for as long as it takes.
  JobStatus status(const JobId& job);
  /// What a query says that begins after this call: it waits for the shortest pause, at most.
  JobStatus fresh_status(const JobId& job);
  /// Whether the last query was answered, and did not have this job in its answer.
  bool is_unknown(const JobId& job);
  /// When the next query may be made.
  cohort::Clock::time_point next_query();
  /// Why the last query failed; empty: it did not.
  std::string problem();

 private:
  void query() COHORT_REQUIRES(querying_);
  JobStatus known(const JobId& job);

  QueueDriver& driver_;
  const cohort::Duration shortest_, longest_;

  cohort::detail::Mutex querying_;  // held during a query: others wait for its answer; before mutex_
  cohort::detail::Mutex mutex_;
  std::set<JobId> jobs_ COHORT_GUARDED_BY(mutex_);
  std::map<JobId, JobStatus> last_ COHORT_GUARDED_BY(mutex_);  // of the last query
  cohort::Duration pause_ COHORT_GUARDED_BY(mutex_);
  cohort::Clock::time_point began_ COHORT_GUARDED_BY(mutex_){}, last_query_ COHORT_GUARDED_BY(mutex_){};  // and ended
  cohort::Clock::time_point next_ COHORT_GUARDED_BY(mutex_){};
  std::string problem_ COHORT_GUARDED_BY(mutex_);
};

}  // namespace cohort::batch
