// Workers that mpiexec starts. They may use MPI: MPI_COMM_WORLD has all of them.

#include <memory>

#include <cohort/plugin.hpp>

#include "../batch/batch_manager.hpp"
#include "mpi_step.hpp"

namespace {

using cohort::OptionType;

constexpr cohort::Option mpi_options[] = {
    {"count", OptionType::integer, nullptr, "number of workers", nullptr, 1, 100000},
    {"mpiexec", OptionType::string, "\"mpiexec\"",
     "the command that starts them: that of the MPI with which they are built", nullptr},
    {"flags", OptionType::strings, "[]", "more arguments of mpiexec", nullptr},
    {"hosts", OptionType::strings, "[]", "where they run, as NAME or NAME:SLOTS (default: what mpiexec chooses)",
     nullptr},
    {"launch", OptionType::duration, nullptr,
     "how long workers may take to join (default: the cluster's timeouts.launch)", nullptr, 1},
    {"env", OptionType::env, "{}", "changes to the environment of the workers; null removes a variable", nullptr},
    {"listen", OptionType::string, nullptr,
     "where to listen for workers, as the cluster's transport takes it: ADDRESS or ADDRESS:PORT (default: all "
     "addresses "
     "of this host, any port)",
     nullptr},
    {"files", OptionType::string, "\".\"",
     "directory for the join file, which all hosts must see, and for what mpiexec prints; what is written there is "
     "removed at the end",
     nullptr},
    {"dry_run", OptionType::boolean, "false", "print the command, and start nothing", nullptr},
};

class MpiManager final : public cohort::batch::BatchManager {
 public:
  explicit MpiManager(const cohort::Options& options)
      : BatchManager(batch_options(options), std::make_unique<cohort_mpi::MpiStep>(cohort_mpi::StepOptions(options))) {}

 private:
  static cohort::batch::BatchOptions batch_options(const cohort::Options& options) {
    cohort::batch::BatchOptions batch(options);
    if (!batch.count) throw cohort::ConfigError("count: say how many workers mpiexec is to start (-p 64)");
    return batch;
  }
};

}  // namespace

COHORT_CLUSTER_MANAGER("mpi", MpiManager, "0.1.0", mpi_options)
