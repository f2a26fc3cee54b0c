#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "call.hpp"
#include "job.hpp"

namespace cohort::fake_scheduler {

class Scheduler;

/// How the script of a job is started.
struct Launch {
  std::vector<std::string> command;
  std::vector<std::string> environment;
  std::string dir;
  std::string input, output, error;  ///< files; error empty: as output
};

/// The commands of one scheduler, and what it tells its jobs.
class Dialect {
 public:
  virtual ~Dialect() = default;
  virtual std::vector<std::string_view> commands() const = 0;
  /// The name of the queue for jobs that ask for none.
  virtual std::string usual_queue() const = 0;
  /// Answers a command, now or later.
  virtual void answer(const std::shared_ptr<Call>& call, Scheduler& scheduler) = 0;
  /// @param script the file with the job's script.
  virtual Launch launch(const Job& job, const std::string& script, Scheduler& scheduler) const = 0;
  /// What the job's output gets as its last words when it is ended; empty: nothing.
  virtual std::string last_words(const Job& job, State state, const std::string& reason) const = 0;
  /// Too much memory ends one process, as the kernel does, and not the whole job.
  virtual bool memory_ends_one_process() const { return false; }
  /// A job that has to end gets SIGKILL, without SIGTERM before.
  virtual bool kills_at_once() const { return false; }
  /// Something happened to the job; its status says what.
  virtual void changed(const Job&, Scheduler&) {}
};

/// Null: there is no such dialect.
std::unique_ptr<Dialect> make_dialect(std::string_view name);
std::unique_ptr<Dialect> slurm_dialect();
std::unique_ptr<Dialect> sge_dialect();
std::unique_ptr<Dialect> pbs_dialect();
std::unique_ptr<Dialect> lsf_dialect();
std::unique_ptr<Dialect> htcondor_dialect();

}  // namespace cohort::fake_scheduler
