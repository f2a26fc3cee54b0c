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

/// One thread of the program calls it; it has no thread of its own. Answers arrive while next() waits. Its destructor
/// cancels the open jobs.
class Scheduler {
 public:
  struct Answer {
    std::uint64_t job = 0;
    Pid worker = no_pid;
    bool sent = true;  ///< false: the job never left this process; hand it out again
    Payload result;
    std::exception_ptr failure;  ///< RemoteException, ProcessExitedException ...; null: `result` is the answer
  };

  /// @param function the function that the jobs' calls name.
  /// @param ahead number of jobs that wait at each worker in addition to the running one; more while jobs are short.
  Scheduler(const WorkerPool& pool, const PortableFunction& function, int ahead);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// The key by which the jobs' calls name the function.
  FunctionKey function_key() const;
  /// Present number of workers.
  std::size_t worker_count() const;
  /// Number of jobs without an answer.
  std::size_t open() const;

  /// Returns the worker that should get the next job: the one with the least work. @param but workers to avoid as long
  /// as there are others. @return no_pid if all have enough.
  Pid free_worker(const std::vector<Pid>& but = {});
  /// Sends a job to a worker that free_worker() has returned. @param arguments its segments must be owned.
  void send(Pid worker, std::uint64_t job, FunctionId thunk, Payload arguments);

  /// Call it when no jobs are left to send. If a worker has nothing to do, and jobs wait at another worker, the last of
  /// these is requested back: unless it has begun, next() returns it as an answer with `sent` false.
  void steal_waiting_jobs();

  /// Waits for an answer. @return nullopt if `until` came first, or if the workers changed.
  /// @throws Error "No active worker available in pool" if there is nothing to wait for (no worker, and none is
  /// expected); TimeoutError, CancelledException, InterruptedException.
  std::optional<Answer> next(const WaitOptions& options, Clock::time_point until = Clock::time_point::max());

 private:
  class Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace cohort::detail
