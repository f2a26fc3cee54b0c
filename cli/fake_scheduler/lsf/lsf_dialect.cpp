// The dialect of LSF, as version 10 documents it.

#include <fstream>

#include "../dialect.hpp"
#include "../remote_tasks.hpp"
#include "../text.hpp"
#include "lsf.hpp"

namespace cohort::fake_scheduler {
namespace lsf {
namespace {

class Lsf final : public Dialect {
 public:
  std::vector<std::string_view> commands() const override {
    return {"bsub", "bjobs", "bkill", "bstop", "bresume", "blaunch"};
  }
  std::string usual_queue() const override { return "normal"; }

  void answer(const std::shared_ptr<Call>& call, Scheduler& scheduler) override {
    const auto command = call->command();
    if (command == "bsub") return bsub(call, scheduler);
    if (command == "blaunch") return blaunch(call, scheduler);
    if (command != "bjobs") return call->answer(change(command, call->arguments(), scheduler));
    const auto now = std::chrono::system_clock::now();
    call->answer(bjobs(call->arguments(), scheduler.jobs().views(scheduler.faults(), now), now));
  }

  Launch launch(const Job& job, const std::string& script, Scheduler&) const override {
    const JobSpec& spec = *job.spec;
    const std::string hosts_file = script.substr(0, script.rfind('/')) + "/hosts";
    std::ofstream hosts(hosts_file);
    std::string list, counted;
    for (const auto& place : job.status.places) {
      counted += (counted.empty() ? "" : " ") + place.host + " " + std::to_string(place.tasks);
      for (int i = 0; i < place.tasks; i++) {
        hosts << place.host << '\n';
        list += (list.empty() ? "" : " ") + place.host;
      }
    }
    Launch launch;
    launch.command =
        spec.script.starts_with("#!") ? std::vector<std::string>{script} : std::vector<std::string>{"/bin/sh", script};
    launch.environment = spec.environment;
    launch.dir = spec.dir;
    const auto set = [&](std::string_view name, const std::string& value) {
      set_variable(launch.environment, name, value);
    };
    const bool is_array = job.part.array != 0;
    set("LSB_JOBID", std::to_string(is_array ? job.part.array : job.number));
    set("LSB_JOBINDEX", std::to_string(is_array ? job.part.task : 0));
    set("LSB_JOBINDEX_END", std::to_string(is_array ? job.part.last : 0));
    set("LSB_JOBINDEX_STEP", std::to_string(is_array ? job.part.step : 0));
    set("LSB_BATCH_JID", id_of(job));
    set("LSB_JOBNAME", spec.name + (is_array ? "[" + std::to_string(job.part.task) + "]" : ""));
    set("LSB_QUEUE", spec.queue);
    set("LSB_HOSTS", list);
    set("LSB_MCPU_HOSTS", counted);
    set("LSB_DJOB_HOSTFILE", hosts_file);
    set("LSB_DJOB_NUMPROC", std::to_string(spec.tasks));
    set("LSB_MAX_NUM_PROCESSORS", std::to_string(spec.tasks));
    set("LSB_SUB_HOST", host_name());
    set("LS_SUBCWD", spec.value("submit_dir"));
    set("LSB_RESTART", job.restarts > 0 ? "Y" : "N");
    set("HOSTNAME", job.status.places.front().host);
    launch.input = spec.input.empty() ? "" : file_name(spec.input, job);
    // Without a file the output is a mail, which nobody sends here.
    launch.output = spec.output.empty() ? "/dev/null" : file_name(spec.output, job);
    launch.error = spec.error.empty() ? "" : file_name(spec.error, job);
    return launch;
  }

  std::string last_words(const Job&, State state, const std::string&) const override {
    if (state == State::timeout) return "TERM_RUNLIMIT: job killed after reaching LSF run time limit.\n";
    if (state == State::out_of_memory) return "TERM_MEMLIMIT: job killed after reaching LSF memory usage limit.\n";
    if (state == State::cancelled) return "TERM_OWNER: job killed by owner.\n";
    return "";
  }

 private:
  // %J and %I: the number of the job, and of its part of an array. A directory gets a file of that name.
  static std::string file_name(const std::string& pattern, const Job& job) {
    std::string name;
    for (std::size_t i = 0; i < pattern.size(); i++) {
      const char next = i + 1 < pattern.size() ? pattern[i + 1] : '\0';
      if (pattern[i] != '%' || (next != 'J' && next != 'I')) {
        name += pattern[i];
        continue;
      }
      name += std::to_string(next == 'I' ? job.part.task : job.part.array != 0 ? job.part.array : job.number);
      i++;
    }
    return name.ends_with('/') ? name + std::to_string(job.number) + ".out" : name;
  }
};

}  // namespace
}  // namespace lsf

std::unique_ptr<Dialect> lsf_dialect() { return std::make_unique<lsf::Lsf>(); }

}  // namespace cohort::fake_scheduler
