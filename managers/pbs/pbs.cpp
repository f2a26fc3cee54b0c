// Workers that are jobs of PBS (OpenPBS, PBS Professional, Torque), or processes of the job in which this program runs.

#include <cohort/batch/manager.hpp>
#include <cohort/batch/options.hpp>
#include <cohort/plugin.hpp>

#include "pbs_driver.hpp"

namespace {

constexpr auto pbs_options = cohort::batch::options_with({cohort::batch::partition_option});

using PbsManager = cohort::batch::JobManager<cohort_pbs::PbsDriver>;

}  // namespace

COHORT_CLUSTER_MANAGER("pbs", PbsManager, "0.1.0", pbs_options)
