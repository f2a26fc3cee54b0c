// The dialect of Slurm 22.05, by whose answers these were made.

#include <map>

#include "../dialect.hpp"
#include "../text.hpp"
#include "commands.hpp"
#include "environment.hpp"

namespace cohort::fake_scheduler {
namespace slurm {

std::string_view state_name(State state) {
  switch (state) {
    case State::pending:
      return "PENDING";
    case State::running:
      return "RUNNING";
    case State::completing:
      return "COMPLETING";
    case State::completed:
      return "COMPLETED";
    case State::failed:
      return "FAILED";
    case State::cancelled:
      return "CANCELLED";
    case State::timeout:
      return "TIMEOUT";
    case State::out_of_memory:
      return "OUT_OF_MEMORY";
    case State::node_fail:
      return "NODE_FAIL";
    case State::preempted:
      return "PREEMPTED";
  }
  return "";
}

std::string_view state_code(State state) {
  constexpr std::string_view codes[] = {"PD", "R", "CG", "CD", "F", "CA", "TO", "OOM", "NF", "PR"};
  return codes[static_cast<std::size_t>(state)];
}

namespace {

class Slurm final : public Dialect {
 public:
  std::vector<std::string_view> commands() const override {
    return {"sbatch", "salloc", "srun", "squeue", "scancel", "scontrol", "sinfo"};
  }
  std::string usual_queue() const override { return "all"; }
  bool memory_ends_one_process() const override { return true; }

  void answer(const std::shared_ptr<Call>& call, Scheduler& scheduler) override {
    const auto command = call->command();
    if (command == "sbatch") return sbatch(call, scheduler);
    if (command == "salloc") return salloc(call, scheduler);
    if (command == "srun") return srun(call, scheduler);
    if (command == "scancel") return call->answer(scancel(call->arguments(), scheduler));
    if (command == "scontrol") return call->answer(scontrol(call->arguments(), scheduler));
    if (command == "sinfo") return call->answer(sinfo(call->arguments(), scheduler));
    const auto now = std::chrono::system_clock::now();
    call->answer(squeue(call->arguments(), scheduler.jobs().views(scheduler.faults(), now),
                        call->request().variable("SLURM_TIME_FORMAT").value_or(""), now));
  }

  Launch launch(const Job& job, const std::string& script, Scheduler&) const override {
    const JobSpec& spec = *job.spec;
    Launch launch;
    launch.command = {script};
    launch.command.insert(launch.command.end(), spec.arguments.begin(), spec.arguments.end());
    launch.environment = batch_environment(job);
    launch.dir = spec.dir;
    launch.input = spec.input.empty() ? "" : file_name(spec.input, job);
    launch.output = file_name(spec.output.empty() ? default_output(job) : spec.output, job);
    launch.error = spec.error.empty() ? "" : file_name(spec.error, job);
    return launch;
  }

  std::string last_words(const Job& job, State state, const std::string& reason) const override {
    if (job.status.places.empty()) return "";
    const std::string& host = job.status.places.front().host;
    std::string why;
    if (state == State::timeout) why = " DUE TO TIME LIMIT";
    if (state == State::preempted) why = " DUE TO PREEMPTION";
    if (state == State::node_fail) why = " DUE TO NODE FAILURE, SEE SLURMCTLD LOG FOR DETAILS";
    if (reason == "Requeue") why = " DUE TO JOB REQUEUE";
    return "slurmstepd-" + host + ": error: *** JOB " + std::to_string(job.number) + " ON " + host + " CANCELLED AT " +
           date_text(std::chrono::system_clock::now()) + why + " ***\n";
  }
};

}  // namespace
}  // namespace slurm

std::unique_ptr<Dialect> slurm_dialect() { return std::make_unique<slurm::Slurm>(); }

}  // namespace cohort::fake_scheduler
