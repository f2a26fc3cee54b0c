#include <span>

#include "fixture.hpp"

namespace {

class Refusing final : public cohort::ClusterManager {
 public:
  explicit Refusing(const cohort::Options&) { throw cohort::ConfigError("host and hosts cannot both be given"); }
  void launch(const cohort::LaunchParams&, cohort::LaunchQueue&) override {}
  void manage(cohort::Pid, cohort::WorkerConfig&, cohort::ManageOp) override {}
};

constexpr std::span<const cohort::Option> no_options;

}  // namespace

COHORT_CLUSTER_MANAGER("refusing", Refusing, "1.0.0", no_options)
