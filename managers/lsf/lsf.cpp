// Workers that are jobs of LSF, or processes of the job in which this program runs.

#include <cohort/plugin.hpp>

#include "../batch/command_manager.hpp"
#include "lsf_driver.hpp"

namespace {

constexpr cohort::Option lsf_options[] = {COHORT_BATCH_OPTIONS, COHORT_BATCH_PARTITION};

using LsfManager = cohort::batch::CommandManager<cohort_lsf::LsfDriver>;

}  // namespace

COHORT_CLUSTER_MANAGER("lsf", LsfManager, "0.1.0", lsf_options)
