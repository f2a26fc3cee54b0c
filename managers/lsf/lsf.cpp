// Workers that are jobs of LSF, or processes of the job in which this program runs.

#include <cohort/batch/manager.hpp>
#include <cohort/batch/options.hpp>
#include <cohort/plugin.hpp>

#include "lsf_driver.hpp"

namespace {

constexpr auto lsf_options = cohort::batch::options_with({cohort::batch::partition_option});

using LsfManager = cohort::batch::JobManager<cohort_lsf::LsfDriver>;

}  // namespace

COHORT_CLUSTER_MANAGER("lsf", LsfManager, "0.1.0", lsf_options)
