#include "batch_systems.hpp"

#include <type_traits>

#include <cohort/detail/text.hpp>
#include <cohort/error.hpp>
#include <cohort/options.hpp>

#include "htcondor/htcondor_driver.hpp"
#include "lsf/lsf_driver.hpp"
#include "pbs/pbs_driver.hpp"
#include "plugin/loader.hpp"
#include "sge/sge_driver.hpp"
#include "slurm/slurm_driver.hpp"

namespace cohort::cli {
namespace {

using Driver = std::unique_ptr<cohort::batch::QueueDriver>;

struct BatchSystem {
  const char* manager;
  Driver (*driver)(const Options& options);
};

template <class D>
Driver make(const Options& options) {
  if constexpr (std::is_constructible_v<D, cohort::batch::SubmitOptions>)
    return std::make_unique<D>(cohort::batch::SubmitOptions(options));
  else
    return std::make_unique<D>(options);
}

constexpr BatchSystem systems[] = {
    {"slurm", make<cohort_slurm::SlurmDriver>},
    {"sge", make<cohort_sge::SgeDriver>},
    {"pbs", make<cohort_pbs::PbsDriver>},
    {"lsf", make<cohort_lsf::LsfDriver>},
    {"htcondor", make<cohort_htcondor::HtcondorDriver>},
};

}  // namespace

Driver queue_driver(const std::string& manager, const std::string& options_json) {
  std::string known;
  for (const auto& system : systems) {
    if (manager == system.manager)
      return system.driver(
          detail::PluginLoader::instance().load(PluginKind::manager, manager).parse_options(options_json));
    known += (known.empty() ? "" : ", ") + std::string(system.manager);
  }
  throw ConfigError("'" + excerpt(manager) + "' is not a manager whose workers are jobs of a batch system: " + known);
}

}  // namespace cohort::cli
