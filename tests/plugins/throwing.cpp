#include <span>
#include <stdexcept>

#include "fixture.hpp"

namespace {

class Throwing final : public cohort::ClusterManager {
 public:
  explicit Throwing(const cohort::Options&) { throw std::runtime_error("the scheduler is on holiday"); }
  void launch(const cohort::LaunchParams&, cohort::LaunchQueue&) override {}
  void manage(cohort::Pid, cohort::WorkerConfig&, cohort::ManageOp) override {}
};

constexpr std::span<const cohort::Option> no_options;

}  // namespace

COHORT_CLUSTER_MANAGER("throwing", Throwing, "1.0.0", no_options)
