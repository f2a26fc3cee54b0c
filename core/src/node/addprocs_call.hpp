#pragma once

#include <atomic>
#include <exception>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <cohort/detail/mutex.hpp>
#include <cohort/wait_options.hpp>

#include "config/min_workers.hpp"
#include "node/master.hpp"

namespace cohort {

/// The names of the workers of one addprocs call, if their manager gives none.
struct WorkerNames {
  std::vector<std::string> idents;  ///< one for each, in order; a single one is that of all
  std::vector<std::string> connect_idents;
  std::shared_ptr<std::atomic<std::size_t>> used = std::make_shared<std::atomic<std::size_t>>(0);  ///< of `idents`
};

/// Keeps the address that a worker announced. @param port 0: `host` is the whole address, in the form of its transport.
void take_address(WorkerConfig& config, std::string host, int port);

/// The state of one addprocs call.
struct AddprocsResult {
  std::vector<Pid> added;
  int missing = 0;                         ///< workers that were wanted too, and failed
  std::vector<std::string> not_launched;   ///< what the manager told of some of these
  std::vector<std::exception_ptr> failed;  ///< what happened to the others
  std::vector<std::exception_ptr> errors;  ///< what fails the launch however many workers are up
  std::string unfinished;  ///< not empty: launch() was stopped, and nobody knows how many more were to come
};

/// One addprocs call: sets up each worker when the manager pushes it. The steps of a worker are: find its address,
/// dial, handshake, join, register. Each step ends with its answer, with the end of the process, or at its deadline; a
/// failure is recorded, and the other workers continue. No step lasts longer than the time limit of the whole launch.
class AddprocsCall final : public LaunchQueue, public std::enable_shared_from_this<AddprocsCall> {
 public:
  /// @param arrived workers that joined by themselves; then nothing is launched.
  AddprocsCall(Master& master, std::shared_ptr<ClusterManager> manager, std::string manager_name, LaunchParams params,
               Timeouts timeouts, WorkerNames names, std::optional<MinWorkers> min,
               std::vector<WorkerConfig> arrived = {});
  /// If this is the last owner of the manager, that is destroyed on a thread that may block.
  ~AddprocsCall() override;

  /// Runs the launch. @param options cancel it. @return the pids of the workers that joined, in ascending order.
  /// @throws as addprocs.
  std::vector<Pid> run(const WaitOptions& options = {});
  static void throw_if_cancelled(const WaitOptions& options);

  // LaunchQueue; any thread.
  void push(WorkerConfig config) override;
  void fail(std::string what, int workers) override;
  std::shared_ptr<LaunchQueue> keep_open() override;
  void extend(Clock::time_point deadline) override;

  // From the master, on the loop.
  void established(const std::shared_ptr<WorkerRecord>& record, const std::shared_ptr<Connection>& connection);
  void lost(const std::shared_ptr<WorkerRecord>& record, const std::string& reason);

 private:
  using Record = std::shared_ptr<WorkerRecord>;
  enum class Step { announce, connect, handshake, join, place };
  enum class Process { may_have_ended, still_runs };  // of a worker that did not come up: why it ended is a cause

  Record make_record();
  void wait_for_end(const WaitOptions& options);
  Clock::time_point end_of_launch();
  void end_all();
  void count_managed(int change);
  bool only_manage_runs();
  void launch();
  static std::string problem_of(const WorkerConfig& config);
  void begin(const Record& record);
  void take_arrived(const Record& record);
  void dial(const Record& record);
  void join_those_ready();
  bool give_place(const Record& record);
  void send_join(const Record& record);
  void joined(const Record& record, Frame&& answer);
  void replicate_state(const Record& record);
  void launch_more(const Record& first);
  void take_launched(const Record& first, const std::vector<Record>& more, Frame&& answer);
  void fail(const Record& record, Step step, Process process, const std::string& what);
  std::string describe(const WorkerRecord& record, Step step, const std::string& what, const std::string& cause) const;
  void keep_error(std::exception_ptr error);
  void keep_failure(std::exception_ptr failure, int workers);
  void remove(const std::vector<Pid>& pids) const;
  void throw_if_too_few(AddprocsResult& result) const;
  void launch_ended();
  void worker_ended();

  Master& master_;
  std::shared_ptr<ClusterManager> manager_;
  const std::string manager_name_;
  LaunchParams params_;
  const Timeouts timeouts_;
  const WorkerNames names_;
  const std::optional<MinWorkers> min_;  // not set: all, and a failure leaves the others up
  std::vector<WorkerConfig> arrived_;    // until launch()
  const Clock::time_point deadline_;     // for launch(), and for the workers to say where they listen
  std::stop_source stop_;                // for launch()
  // launch() and all set-ups ended; or the caller has cancelled it.
  const std::shared_ptr<Completion> finished_ = std::make_shared<Completion>();
  const std::shared_ptr<Completion> settled_ = std::make_shared<Completion>();   // given up, and all set-ups ended
  const std::shared_ptr<Completion> returned_ = std::make_shared<Completion>();  // launch() has
  const std::shared_ptr<Completion> emptied_ = std::make_shared<Completion>();   // stopped, and all set-ups ended

  detail::Mutex mutex_;
  bool launching_ COHORT_GUARDED_BY(mutex_) = true;
  bool given_up_ COHORT_GUARDED_BY(mutex_) = false;                   // on launch()
  bool stopped_ COHORT_GUARDED_BY(mutex_) = false;                    // by the caller, who gets no workers
  bool emptying_ COHORT_GUARDED_BY(mutex_) = false;                   // the caller waits for emptied_
  Clock::time_point extended_ COHORT_GUARDED_BY(mutex_) = deadline_;  // by the manager
  int open_ COHORT_GUARDED_BY(mutex_) = 0;                            // workers being set up
  int managed_ COHORT_GUARDED_BY(mutex_) = 0;                         // those of `open_` for which manage() runs
  int connecting_ COHORT_GUARDED_BY(mutex_) = 1;  // launch(), and those of `open_` that do not wait to join yet
  // Authenticated, told to join when all are (not lazy) or at once.
  std::vector<Record> ready_ COHORT_GUARDED_BY(mutex_);
  std::set<Pid> established_ COHORT_GUARDED_BY(mutex_);
  std::set<Pid> failed_ COHORT_GUARDED_BY(mutex_);
  bool over_ COHORT_GUARDED_BY(mutex_) = false;  // run() has taken the result
  AddprocsResult result_ COHORT_GUARDED_BY(mutex_);
};

}  // namespace cohort
