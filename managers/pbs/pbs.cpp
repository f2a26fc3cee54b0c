// Workers that are jobs of PBS (OpenPBS, PBS Professional, Torque), or processes of the job in which this program runs.

#include <cohort/plugin.hpp>

#include "../batch/command_manager.hpp"
#include "pbs_driver.hpp"

namespace {

constexpr cohort::Option pbs_options[] = {COHORT_BATCH_OPTIONS, COHORT_BATCH_PARTITION};

using PbsManager = cohort::batch::CommandManager<cohort_pbs::PbsDriver>;

}  // namespace

COHORT_CLUSTER_MANAGER("pbs", PbsManager, "0.1.0", pbs_options)
