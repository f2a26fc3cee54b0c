// The cluster manager "starter": workers are processes on this host.

#include <signal.h>

#include <any>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <cohort/child_process.hpp>
#include <cohort/plugin.hpp>

namespace {

using namespace std::chrono_literals;

// Every option has one row. Parsing, error messages, the schema and `cohort plugin info` use it.
constexpr cohort::Option options[] = {
    {"count", cohort::OptionType::integer, "1", "number of workers", nullptr, 0, 1000},
    {"env", cohort::OptionType::env, "{}", "changes to the environment of the workers", nullptr},
    {"threads", cohort::OptionType::integer, "1", "functions that may run at once on a worker", nullptr, 1, 4096},
};

// What this manager knows about a worker; the core keeps it in WorkerConfig::userdata.
struct StarterWorker {
  cohort::ChildProcess process;
  cohort::Duration term, kill;
};

class Starter final : public cohort::ClusterManager {
 public:
  explicit Starter(const cohort::Options& given)
      : count_(given.integer("count")), env_(given.env("env")), threads_(static_cast<int>(given.integer("threads"))) {}

  // May block: after params.timeout the core requests a stop through params.stop.
  void launch(const cohort::LaunchParams& params, cohort::LaunchQueue& launched) override {
    for (std::int64_t i = 0; i < count_ && !params.stop.stop_requested(); ++i) launched.push(start(params));
  }

  void manage(cohort::Pid, cohort::WorkerConfig& config, cohort::ManageOp op) override {
    const auto worker = worker_of(config);
    if (worker == nullptr) return;
    if (op == cohort::ManageOp::interrupt) worker->process.signal(SIGINT);
    if (op == cohort::ManageOp::finalize) worker->process.terminate(worker->term, worker->kill);
  }

  // Called if the worker was asked to exit and did not.
  void kill(cohort::Pid, cohort::WorkerConfig& config) override {
    if (const auto worker = worker_of(config)) worker->process.terminate(worker->term, worker->kill);
  }

  std::string exit_cause(cohort::Pid, cohort::WorkerConfig& config) override {
    const auto worker = worker_of(config);
    if (worker == nullptr) return "";
    const auto status = worker->process.wait_until(cohort::deadline_after(1s));
    return status ? status->text() : "";
  }

 private:
  cohort::WorkerConfig start(const cohort::LaunchParams& params) const {
    cohort::SpawnOptions spawn;
    spawn.command = {params.exename};  // replace this by the launch command of your site: {"srun", "-n1", ...}
    spawn.command.insert(spawn.command.end(), params.exeflags.begin(), params.exeflags.end());
    spawn.dir = params.dir;
    spawn.env = env_;
    spawn.input = params.cookie + '\n';  // pass the secret only through standard input
    spawn.die_with_parent = true;
    const auto worker =
        std::make_shared<StarterWorker>(StarterWorker{cohort::ChildProcess::spawn(spawn), params.term, params.kill});

    cohort::WorkerConfig config;
    // The core reads the worker's address from this output, and shows the rest.
    config.io = cohort::WorkerOutput{worker->process.take_out(), worker->process.take_err()};
    config.exename = params.exename;
    config.ospid = worker->process.pid();
    config.threads = threads_;  // the core passes it to the worker
    config.userdata = worker;
    return config;
  }

  static std::shared_ptr<StarterWorker> worker_of(const cohort::WorkerConfig& config) {
    const auto* worker = std::any_cast<std::shared_ptr<StarterWorker>>(&config.userdata);
    return worker == nullptr ? nullptr : *worker;
  }

  const std::int64_t count_;
  const std::map<std::string, std::optional<std::string>> env_;
  const int threads_;
};

}  // namespace

COHORT_CLUSTER_MANAGER("starter", Starter, "0.1.0", options)
