#pragma once

// Hands jobs to the workers of a pool and gathers their answers, for one thread. Not for programs.

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <vector>

#include <cohort/detail/function_ref.hpp>
#include <cohort/worker_pool.hpp>

namespace cohort::detail {

/// One thread of the program calls it; no thread of its own. Answers come while next() waits. Destroyed with jobs still
/// open, it calls them off.
class Scheduler {
 public:
  struct Answer {
    std::uint64_t job = 0;
    Pid worker = no_pid;
    bool sent = true;  ///< false: the job never left this process; hand it out again
    Payload result;
    std::exception_ptr failure;  ///< RemoteException, ProcessExitedException ...; null: `result` is the answer
  };

  /// @param function what the jobs' calls name.
  /// @param ahead jobs that each worker has waiting beside the one it does. More while jobs turn out to be short.
  Scheduler(const WorkerPool& pool, const PortableFunction& function, int ahead);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// The key by which the jobs' calls name the function.
  FunctionKey function_key() const;
  /// Workers now.
  std::size_t worker_count() const;
  /// Jobs whose answers are to come.
  std::size_t open() const;

  /// The worker to give a job to, the one with the least to do. @param but not to these, as long as there are others.
  /// @return no_pid: all have enough.
  Pid free_worker(const std::vector<Pid>& but = {});
  /// Sends a job to a worker that free_worker() has named. @param arguments segments must be owned.
  void send(Pid worker, std::uint64_t job, FunctionId thunk, Payload arguments);

  /// Nothing is left to hand out. Where a worker has nothing to do, and jobs wait behind another's, the last of those
  /// is asked back: unless it has begun meanwhile, it comes as an answer that was not sent.
  void steal_waiting_jobs();

  /// Waits for an answer. @return nullopt: `until` came first, or the workers changed.
  /// @throws Error "No active worker available in pool" when there is nothing to wait for; TimeoutError,
  /// CancelledException, InterruptedException.
  std::optional<Answer> next(const WaitOptions& options, Clock::time_point until = Clock::time_point::max());

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace cohort::detail
