#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <cohort/batch/allocation.hpp>
#include <cohort/batch/command.hpp>
#include <cohort/batch/job_script.hpp>
#include <cohort/batch/queue_driver.hpp>
#include <cohort/batch/worker_script.hpp>
#include <cohort/detail/mutex.hpp>
#include <cohort/options.hpp>
#include <cohort/types.hpp>

namespace cohort::batch {

/// What the options say of jobs, and of the commands of the scheduler.
struct SubmitOptions {
  explicit SubmitOptions(const cohort::Options& options);

  std::optional<std::string> partition, account;
  std::optional<cohort::Duration> walltime;
  std::vector<std::string> flags;                   ///< more arguments of the command that submits
  std::vector<std::string> submit, status, cancel;  ///< words in the place of the scheduler's own; empty: those
  std::optional<std::filesystem::path> script;      ///< a template in the place of the driver's
};

/// What is alike in drivers that talk to a scheduler by its commands, as a table.
struct CommandDialect {
  std::string name = {};                 ///< "sge"
  std::vector<std::string> submit = {};  ///< "qsub -terse"; the options `flags` follow
  std::vector<std::string> status = {};  ///< "qstat"; the driver adds arguments
  std::vector<std::string> cancel = {};  ///< "qdel"; ids follow
  std::string_view cancel_by_name = {};  ///< of sh, for the jobs named "$1"; {cancel} stands for the words of `cancel`
  std::vector<std::string_view> unknown =
      {};                                ///< what `status` and `cancel` say of a job that is not there; "": nothing
  std::vector<std::string> signal = {};  ///< "bkill -s"; a name, "INT", and an id follow. Empty: it cannot
  bool script_is_argument = false;       ///< path of the script file, after all others; else it is the input
  std::string_view script = {};          ///< template of the job script
  std::vector<std::string_view> needed = {"start"};  ///< values without which a template starts no worker
  WorkerStart workers = {};                          ///< for {start} in the template
  JobShape jobs = JobShape::one;                     ///< unless the option `jobs` says otherwise
};

/// A driver by the commands of a scheduler. What it needs beside the table is how the answers are read.
class CommandDriver : public QueueDriver {
 public:
  const Dialect& dialect() const final { return dialect_; }
  std::string describe(const JobRequest& request) const override;
  /// A submission that fails for a while is tried again. Jobs are an array if there is more than one.
  std::vector<JobId> submit(const JobRequest& request) override;
  void cancel(const std::vector<JobId>& jobs) override;
  std::string end_of_worker(std::string_view output, int ospid) const override;
  /// A scheduler's signals are for whole jobs: does nothing for a job of more than one worker.
  void signal_worker(const JobId& job, std::string_view output, int ospid, int number) override;
  /// From the job's end or, if the scheduler does not tell that, its start and the option `walltime`.
  std::optional<cohort::Duration> remaining(const JobId& job) override;
  /// The job of the scheduler in which this process runs. Then no job is submitted: the workers are started there, as
  /// the table says by WorkerStart. nullopt, as by default: it runs in none.
  virtual std::optional<Allocation> allocation() const { return std::nullopt; }
  /// The script without what is for the scheduler: within an allocation it starts the workers.
  std::string allocation_script(const JobRequest& request) const;

 protected:
  CommandDriver(CommandDialect table, SubmitOptions options);

  /// More values for the template, and others for those that are there.
  virtual void add_values(TemplateValues&, const JobRequest&) const {}
  /// More words of the command that submits, before the `flags`.
  virtual std::vector<std::string> submit_words(const JobRequest&) const { return {}; }
  /// The ids in what the command printed. Empty: there is none.
  virtual std::vector<JobId> submitted(std::string_view printed, const JobRequest& request) = 0;
  /// The jobs of this name that wait or run, each as the command that submits printed it. The default does not know
  /// any.
  virtual std::vector<std::string> submissions_named(const std::string&) const { return {}; }
  /// A time limit, as the scheduler reads it.
  virtual std::string time_text(cohort::Duration walltime) const = 0;

  /// What the status command printed with these arguments, also if it failed because some of the jobs are not there.
  std::string ask(std::vector<std::string> arguments, std::map<std::string, std::string> environment = {}) const;
  /// As ask(), of any command.
  std::string run_for_those_known(Command command) const;
  const SubmitOptions& options() const { return options_; }
  const CommandDialect& table() const { return table_; }
  std::string script(const JobRequest& request) const;
  std::vector<std::string> submit_command(const JobRequest& request) const;

 private:
  JobId first_id(const std::string& printed, JobRequest request);
  std::string find_lost(const JobRequest& request) COHORT_REQUIRES(submitting_);

  const SubmitOptions options_;
  const CommandDialect table_;
  const std::string template_;
  const Dialect dialect_;
  cohort::detail::Mutex submitting_;                      // held while a command that submits runs, and before mutex_
  std::set<JobId> known_ COHORT_GUARDED_BY(submitting_);  // first_id() of each submission
  bool has_lost_ COHORT_GUARDED_BY(submitting_) = false;  // there may be jobs that are not known
  cohort::detail::Mutex mutex_;
  std::set<JobId> of_one_worker_ COHORT_GUARDED_BY(mutex_);
};

}  // namespace cohort::batch
