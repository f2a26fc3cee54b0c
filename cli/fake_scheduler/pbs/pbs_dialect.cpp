// The dialect of PBS, as OpenPBS 20 speaks it.

#include <algorithm>
#include <fstream>

#include "../dialect.hpp"
#include "../remote_tasks.hpp"
#include "../text.hpp"
#include "pbs.hpp"

namespace cohort::fake_scheduler {
namespace pbs {
namespace {

class Pbs final : public Dialect {
 public:
  std::vector<std::string_view> commands() const override {
    return {"qsub", "qstat", "qdel", "qselect", "qsig", "qhold", "qrls", "qrerun", "pbsdsh"};
  }
  std::string usual_queue() const override { return "workq"; }

  void answer(const std::shared_ptr<Call>& call, Scheduler& scheduler) override {
    const auto command = call->command();
    if (command == "qsub") return qsub(call, scheduler);
    if (command == "pbsdsh") return pbsdsh(call, scheduler);
    if (command != "qstat" && command != "qselect") return call->answer(change(command, call->arguments(), scheduler));
    const auto views = scheduler.jobs().views(scheduler.faults(), std::chrono::system_clock::now());
    call->answer(command == "qstat" ? qstat(call->arguments(), views) : qselect(call->arguments(), views));
  }

  Launch launch(const Job& job, const std::string& script, Scheduler&) const override {
    const JobSpec& spec = *job.spec;
    const std::string nodes_file = script.substr(0, script.rfind('/')) + "/nodes";
    std::ofstream nodes(nodes_file);
    for (const auto& place : job.status.places)
      for (int i = 0; i < place.tasks; i++) nodes << place.host << '\n';
    Launch launch;
    const std::string shell = spec.value("shell");
    launch.command = {shell.empty() ? "/bin/sh" : shell, script};
    launch.environment = spec.environment;
    launch.dir = spec.dir;
    set_environment(launch.environment, job, nodes_file);
    const bool is_array = job.part.array != 0;
    const std::string number =
        std::to_string(is_array ? job.part.array : job.number) + (is_array ? "." + std::to_string(job.part.task) : "");
    // Relative to where it was submitted, and not to where it runs.
    const auto file = [&](std::string pattern, const char* kind) {
      if (const auto colon = pattern.find(':'); colon != pattern.npos) pattern.erase(0, colon + 1);
      std::string path = pattern.starts_with('/') ? pattern : spec.value("submit_dir") + "/" + pattern;
      for (const char* index : {"^array_index^", "$PBS_ARRAY_INDEX"})
        if (const auto at = path.find(index); at != path.npos)
          path.replace(at, std::string_view(index).size(), std::to_string(job.part.task));
      return path.ends_with('/') ? path + spec.name + kind + number : path;
    };
    launch.output = file(spec.output, ".o");
    if (!spec.value("joins").starts_with("oe")) launch.error = file(spec.error, ".e");
    return launch;
  }

  std::string last_words(const Job& job, State state, const std::string&) const override {
    if (state == State::timeout) {
      const auto limit = job.spec->walltime.value_or(Milliseconds(0)).count() / 1000;
      return "=>> PBS: job killed: walltime " + std::to_string(limit + 1) + " exceeded limit " + std::to_string(limit) +
             "\n";
    }
    if (state == State::out_of_memory)
      return "=>> PBS: job killed: mem exceeded limit " + std::to_string(job.spec->memory >> 10) + "kb\n";
    return "";
  }

 private:
  static void set_environment(std::vector<std::string>& environment, const Job& job, const std::string& nodes_file) {
    const JobSpec& spec = *job.spec;
    const auto set = [&](std::string_view name, const std::string& value) { set_variable(environment, name, value); };
    set("PBS_JOBID", id_of(job));
    set("PBS_JOBNAME", spec.name);
    set("PBS_QUEUE", spec.queue);
    set("PBS_NODEFILE", nodes_file);
    set("PBS_ENVIRONMENT", "PBS_BATCH");
    set("PBS_O_WORKDIR", spec.value("submit_dir"));
    set("PBS_O_HOST", host_name());
    set("PBS_O_QUEUE", spec.queue);
    set("PBS_SERVER", server_name);
    set("PBS_NODENUM", "0");
    set("PBS_TASKNUM", "1");
    set("NCPUS", std::to_string(spec.cpus_per_task));
    set("OMP_NUM_THREADS", std::to_string(spec.cpus_per_task));
    set("HOSTNAME", job.status.places.front().host);
    if (job.part.array == 0) return;
    set("PBS_ARRAY_INDEX", std::to_string(job.part.task));
    set("PBS_ARRAYID", std::to_string(job.part.task));
    set("PBS_ARRAY_ID", std::to_string(job.part.array) + "[]." + server_name);
  }
};

}  // namespace
}  // namespace pbs

std::unique_ptr<Dialect> pbs_dialect() { return std::make_unique<pbs::Pbs>(); }

}  // namespace cohort::fake_scheduler
