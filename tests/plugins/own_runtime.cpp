// Built with the objects of libcohort in it, as a plugin is that was linked to a static libcohort.

#include <cohort/plugin.hpp>

namespace {

class Idle final : public cohort::ClusterManager {
 public:
  explicit Idle(const cohort::Options&) {}
  void launch(const cohort::LaunchParams&, cohort::LaunchQueue&) override {}
  void manage(cohort::Pid, cohort::WorkerConfig&, cohort::ManageOp) override {}
};

constexpr cohort::Option options[] = {
    {"depth", cohort::OptionType::integer, "1", "no matter", nullptr},
};

}  // namespace

COHORT_CLUSTER_MANAGER("own_runtime", Idle, "1.0.0", options)
