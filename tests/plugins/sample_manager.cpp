#include <string>

#include <cohort/plugin.hpp>

// A sound plugin with an option of every type.

namespace {

using cohort::Option;
using cohort::OptionType;

constexpr Option options[] = {
    {"count", OptionType::count, "\"auto\"", "Workers", nullptr, 0, 1000},
    {"restrict", OptionType::boolean, "true", "Listen on the loopback address only", nullptr},
    {"retries", OptionType::integer, "2", "Further attempts", nullptr, 0, 10},
    {"share", OptionType::number, "0.5", "Part of the machine", nullptr},
    {"dir", OptionType::string, nullptr, "Working directory", nullptr},
    {"affinity", OptionType::choice, "\"none\"", "How workers are bound to CPUs", "none|core|compact"},
    {"patience", OptionType::duration, "\"1m30s\"", "How long to wait", nullptr},
    {"memory", OptionType::size, "\"64MiB\"", "Memory of a worker", nullptr},
    {"per_host", OptionType::count, "\"auto\"", "Workers on each host", nullptr, 1},
    {"hosts", OptionType::strings, "[]", "Where to launch", nullptr},
    {"env", OptionType::env, "{}", "Variables of the workers", nullptr},
};

/// Reports the directory it was given as the cause of every end, so that a test can see which options it got.
class Sample final : public cohort::ClusterManager {
 public:
  explicit Sample(const cohort::Options& given) : dir_(given.has("dir") ? given.string("dir") : "none") {}
  void launch(const cohort::LaunchParams&, cohort::LaunchQueue&) override {}
  void manage(cohort::Pid, cohort::WorkerConfig&, cohort::ManageOp) override {}
  std::string exit_cause(cohort::Pid, cohort::WorkerConfig&) override { return dir_; }

 private:
  std::string dir_;
};

}  // namespace

COHORT_CLUSTER_MANAGER("sample", Sample, "1.2.3", options)
