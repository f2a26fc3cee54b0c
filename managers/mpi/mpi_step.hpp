#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cohort/detail/mutex.hpp>
#include <cohort/options.hpp>

#include "../batch/allocation_driver.hpp"

namespace cohort_mpi {

/// The implementations of MPI whose launchers are told things in different words.
enum class Launcher {
  open_mpi,
  hydra,  ///< of MPICH and its relatives
  other
};

/// Which one it is, by what `mpiexec --version` prints.
Launcher launcher_of(std::string_view version);

struct StepOptions {
  explicit StepOptions(const cohort::Options& options);

  std::string mpiexec;
  std::vector<std::string> flags, hosts;
};

/// What would be a job is a child of this process: mpiexec, which starts the workers. They are started through a shell
/// each, which hands them the join file as their standard input, since mpiexec hands its own to rank 0 alone. This
/// shell ends with code 0 however its worker has ended, and prints how, so that mpiexec does not end the others.
class MpiStep final : public cohort::batch::AllocationDriver {
 public:
  explicit MpiStep(StepOptions options);

  std::string describe(const cohort::batch::JobRequest& request) const override;
  /// "rank 3 exited with code 7 on node17". If mpiexec has ended all workers, why it did.
  std::string end_of_worker(std::string_view output, int ospid) const override;
  void signal_worker(const cohort::batch::JobId& job, std::string_view output, int ospid, int number) override;
  /// Not known here.
  std::optional<cohort::Duration> remaining(const cohort::batch::JobId&) override { return std::nullopt; }

 private:
  Step step(const cohort::batch::JobRequest& request) const override;
  std::vector<std::string> on_hosts(const std::vector<std::string>& hosts) const;
  /// Asks mpiexec, once.
  Launcher launcher() const;

  const StepOptions options_;
  mutable cohort::detail::Mutex mutex_;
  mutable std::optional<Launcher> launcher_ COHORT_GUARDED_BY(mutex_);
};

/// What mpiexec says of the process for which it has ended all others, in one line. Empty: it has said nothing of that
/// kind. @param output what mpiexec and the workers have printed.
std::string why_all_ended(std::string_view output);

}  // namespace cohort_mpi
