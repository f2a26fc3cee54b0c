#include <span>

#include <unistd.h>

#include "fixture.hpp"

namespace {

/// Its launch() never returns, whatever it is told.
class Hanging final : public cohort::ClusterManager {
 public:
  explicit Hanging(const cohort::Options&) {}
  void launch(const cohort::LaunchParams&, cohort::LaunchQueue&) override {
    while (true) ::pause();
  }
  void manage(cohort::Pid, cohort::WorkerConfig&, cohort::ManageOp) override {}
};

constexpr std::span<const cohort::Option> no_options;

}  // namespace

COHORT_CLUSTER_MANAGER("hanging", Hanging, "1.0.0", no_options)
