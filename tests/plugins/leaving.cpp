#include <cstdlib>

#include "fixture.hpp"

namespace {

constexpr cohort::Option options[] = {
    {"count", cohort::OptionType::integer, "1", "number of workers", nullptr, 0},
};

/// Leaves a process behind that is nobody's child, and a file.
class Leaving final : public cohort::ClusterManager {
 public:
  explicit Leaving(const cohort::Options&) {}
  void launch(const cohort::LaunchParams&, cohort::LaunchQueue&) override {
    if (std::system("touch \"$TMPDIR/forgotten\"; setsid sleep 1000 > /dev/null 2>&1 &") != 0) std::abort();
  }
  void manage(cohort::Pid, cohort::WorkerConfig&, cohort::ManageOp) override {}
};

}  // namespace

COHORT_CLUSTER_MANAGER("leaving", Leaving, "1.0.0", options)
