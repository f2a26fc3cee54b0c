// A master whose only worker can neither leave nor be ended: it is stopped, and kill() of its manager never returns.
// Prints the worker's process id and ends.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <optional>

#include <cohort/child_process.hpp>
#include <cohort/cohort.hpp>
#include <cohort/plugin.hpp>

namespace {

using namespace std::chrono_literals;

class Helpless final : public cohort::ClusterManager {
 public:
  void launch(const cohort::LaunchParams& params, cohort::LaunchQueue& launched) override {
    cohort::SpawnOptions spawn;
    spawn.command = {params.exename};
    spawn.command.insert(spawn.command.end(), params.exeflags.begin(), params.exeflags.end());
    spawn.input = params.cookie + '\n';
    child_.emplace(cohort::ChildProcess::spawn(spawn));
    std::printf("%d\n", child_->pid());
    std::fflush(stdout);
    cohort::WorkerConfig config;
    config.io = cohort::WorkerOutput{child_->take_out(), child_->take_err()};
    launched.push(std::move(config));
  }
  void manage(cohort::Pid, cohort::WorkerConfig&, cohort::ManageOp) override {}
  void kill(cohort::Pid, cohort::WorkerConfig&) override {
    for (;;) pause();
  }

  /// Returns when all of its threads stand still.
  void stop_worker() const {
    ::kill(child_->pid(), SIGSTOP);
    ::waitpid(child_->pid(), nullptr, WUNTRACED);
  }

 private:
  std::optional<cohort::ChildProcess> child_;
};

}  // namespace

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  cohort::AddprocsOptions options;
  auto& timeouts = options.timeouts.emplace();
  timeouts.shutdown = timeouts.term = timeouts.kill = 100ms;
  const auto manager = std::make_shared<Helpless>();
  cohort::addprocs(manager, options);
  manager->stop_worker();
}
