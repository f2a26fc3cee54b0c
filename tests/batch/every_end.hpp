#pragma once

#include <functional>
#include <map>
#include <string>

namespace cohort::test {

/// A scheduler that is there, and how jobs are made on it.
struct EndBed {
  std::string manager;  ///< "sge"
  std::string held;     ///< the option `flags`, in JSON, with which a job waits for ever: R"(["-h"])"
  std::string submit;   ///< the words of its command that submits: "qsub -terse"
  std::function<std::map<std::string, bool>()> jobs;  ///< that have not ended: their names, and whether they run
};

/// Ends a master in each way (its main returns or throws, by a signal, by kill -9) at each time (it submits, its job
/// waits, its workers start, they are idle, they compute), all of them side by side, and demands that nothing stays:
/// no job, no process, no file, no record.
void expect_that_nothing_stays_after_any_end(const EndBed& bed);

/// Kills masters one after the other at the moment when something of their cluster appears: their guard, the record,
/// the directory, a file in it, the job.
void expect_that_nothing_stays_of_masters_killed_early(const EndBed& bed);

}  // namespace cohort::test
