#include <cstdlib>
#include <span>

#include "fixture.hpp"

namespace {

class Crashing final : public cohort::ClusterManager {
 public:
  explicit Crashing(const cohort::Options&) {}
  void launch(const cohort::LaunchParams&, cohort::LaunchQueue&) override { std::abort(); }
  void manage(cohort::Pid, cohort::WorkerConfig&, cohort::ManageOp) override {}
};

constexpr std::span<const cohort::Option> no_options;

}  // namespace

COHORT_CLUSTER_MANAGER("crashing", Crashing, "1.0.0", no_options)
