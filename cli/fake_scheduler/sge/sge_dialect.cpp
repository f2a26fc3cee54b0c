// The dialect of Grid Engine 8.1.9, by whose answers these were made.

#include <fstream>

#include "../dialect.hpp"
#include "../remote_tasks.hpp"
#include "../text.hpp"
#include "sge.hpp"

namespace cohort::fake_scheduler {
namespace sge {
namespace {

// $JOB_ID and so on, of a path.
std::string path_of(const std::string& pattern, const Job& job) {
  std::string path = pattern;
  const std::pair<const char*, std::string> values[] = {{"$JOB_ID", std::to_string(shown_number(job))},
                                                        {"$TASK_ID", std::to_string(job.part.task)},
                                                        {"$JOB_NAME", job.spec->name},
                                                        {"$USER", job.spec->user},
                                                        {"$HOSTNAME", job.status.places.front().host},
                                                        {"$HOME", job.spec->value("home")}};
  for (const auto& [name, value] : values)
    for (auto at = path.find(name); at != path.npos; at = path.find(name, at + value.size()))
      path.replace(at, std::string_view(name).size(), value);
  // A host may stand before it: ":path".
  return path.starts_with(':') ? path.substr(1) : path;
}

class Sge final : public Dialect {
 public:
  std::vector<std::string_view> commands() const override { return {"qsub", "qstat", "qdel", "qacct", "qrsh"}; }
  std::string usual_queue() const override { return "all.q"; }
  bool kills_at_once() const override { return true; }

  void answer(const std::shared_ptr<Call>& call, Scheduler& scheduler) override {
    const auto command = call->command();
    if (command == "qsub") return qsub(call, scheduler);
    if (command == "qrsh") return qrsh(call, scheduler);
    if (command == "qdel") return call->answer(qdel(call->arguments(), scheduler));
    const auto views = scheduler.jobs().views(scheduler.faults(), std::chrono::system_clock::now());
    call->answer(command == "qacct" ? qacct(call->arguments(), views) : qstat(call->arguments(), views));
  }

  Launch launch(const Job& job, const std::string& script, Scheduler&) const override {
    const JobSpec& spec = *job.spec;
    const std::string hosts_file = script.substr(0, script.rfind('/')) + "/pe_hostfile";
    std::ofstream hosts(hosts_file);
    for (const auto& place : job.status.places)
      hosts << place.host << ' ' << place.tasks << ' ' << spec.queue << '@' << place.host << " UNDEFINED\n";
    Launch launch;
    const std::string shell = spec.value("shell");
    launch.command = {shell.empty() ? "/bin/sh" : shell, script};
    launch.command.insert(launch.command.end(), spec.arguments.begin(), spec.arguments.end());
    launch.environment = spec.environment;
    launch.dir = spec.dir;
    set_environment(launch.environment, job, hosts_file);
    const bool is_array = job.part.array != 0;
    const std::string end = std::to_string(shown_number(job)) + (is_array ? "." + std::to_string(job.part.task) : "");
    const auto file = [&](const std::string& pattern, const char* kind) {
      const std::string path = path_of(pattern, job);
      const bool is_dir = path.ends_with('/') || path.empty();
      return is_dir ? path + spec.name + kind + end : path;
    };
    launch.output = file(spec.output, ".o");
    if (spec.value("joins") != "y") launch.error = file(spec.error, ".e");
    launch.input = spec.input;
    return launch;
  }

  // It says nothing to the job.
  std::string last_words(const Job&, State, const std::string&) const override { return ""; }

 private:
  static void set_environment(std::vector<std::string>& environment, const Job& job, const std::string& hosts_file) {
    const JobSpec& spec = *job.spec;
    const Place& first = job.status.places.front();
    const auto set = [&](std::string_view name, const std::string& value) { set_variable(environment, name, value); };
    const bool is_array = job.part.array != 0;
    set("JOB_ID", std::to_string(shown_number(job)));
    set("JOB_NAME", spec.name);
    set("REQUEST", spec.name);
    set("QUEUE", spec.queue);
    set("HOSTNAME", first.host);
    set("NSLOTS", std::to_string(spec.tasks));
    set("NHOSTS", std::to_string(job.status.places.size()));
    set("NQUEUES", "1");
    set("RESTARTED", job.restarts > 0 ? "1" : "0");
    set("ENVIRONMENT", "BATCH");
    set("SGE_TASK_ID", is_array ? std::to_string(job.part.task) : "undefined");
    set("SGE_TASK_FIRST", is_array ? std::to_string(job.part.first) : "undefined");
    set("SGE_TASK_LAST", is_array ? std::to_string(job.part.last) : "undefined");
    set("SGE_TASK_STEPSIZE", is_array ? std::to_string(job.part.step) : "undefined");
    set("SGE_O_WORKDIR", spec.value("submit_dir"));
    set("SGE_O_HOST", host_name());
    set("SGE_O_LOGNAME", spec.user);
    set("SGE_CELL", "default");
    if (spec.value("pe").empty()) return;
    set("PE", spec.value("pe"));
    set("PE_HOSTFILE", hosts_file);
  }
};

}  // namespace
}  // namespace sge

std::unique_ptr<Dialect> sge_dialect() { return std::make_unique<sge::Sge>(); }

}  // namespace cohort::fake_scheduler
