#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <cohort/detail/mutex.hpp>

#include "spool.hpp"

namespace cohort::cli {

/// What a job printed, in the order in which it did.
struct JobOutput {
  std::vector<Spool::Text> out;
  std::vector<Spool::Text> err;

  std::size_t out_size() const;
};

/// On the master: collects the output of jobs while they run. One object at a time.
class JobOutputs {
 public:
  JobOutputs();
  ~JobOutputs();
  JobOutputs(const JobOutputs&) = delete;
  JobOutputs& operator=(const JobOutputs&) = delete;

  /// A job is about to be sent. @return what its parts name it by.
  std::uint64_t open();
  /// The job ended, with these last parts: all that it printed. Parts that come later are dropped.
  /// @throws Error when there is no room to keep it.
  JobOutput take(std::uint64_t job, std::string last_out, std::string last_err);

 private:
  friend void keep_output(std::uint64_t job, bool is_stderr, std::string text);
  void add(std::uint64_t job, bool is_stderr, std::string text);

  detail::Mutex mutex_;
  Spool spool_ COHORT_GUARDED_BY(mutex_);
  std::uint64_t next_ COHORT_GUARDED_BY(mutex_) = 1;
  std::map<std::uint64_t, JobOutput> running_ COHORT_GUARDED_BY(mutex_);
};

/// Hands a part to the master's JobOutputs. Called remotely, by workers, which wait for it: who prints faster than the
/// master can keep it is held back. @throws Error when there is no room to keep it.
void keep_output(std::uint64_t job, bool is_stderr, std::string text);

}  // namespace cohort::cli
