// The dialect of HTCondor, as version 10 documents it.

#include "../dialect.hpp"
#include "../remote_tasks.hpp"
#include "../text.hpp"
#include "description.hpp"
#include "htcondor.hpp"

namespace cohort::fake_scheduler {
namespace htcondor {
namespace {

class Htcondor final : public Dialect {
 public:
  std::vector<std::string_view> commands() const override {
    return {"condor_submit", "condor_q", "condor_history", "condor_rm", "condor_hold", "condor_release"};
  }
  // It has no queues by name.
  std::string usual_queue() const override { return "vanilla"; }

  void answer(const std::shared_ptr<Call>& call, Scheduler& scheduler) override {
    const auto command = call->command();
    if (command == "condor_submit") return condor_submit(call, scheduler);
    if (command != "condor_q" && command != "condor_history")
      return call->answer(change(command, call->arguments(), scheduler));
    const auto views = scheduler.jobs().views(scheduler.faults(), std::chrono::system_clock::now());
    call->answer(condor_q(command == "condor_history", call->arguments(), views));
  }

  Launch launch(const Job& job, const std::string& script, Scheduler&) const override {
    std::string error;
    const auto description = parse_description(job.spec->value("description"), error).value_or(Description{});
    const auto value = [&](std::string_view name) {
      return description.value(name, static_cast<long>(job.part.array), job.part.task);
    };
    Launch launch;
    launch.dir = job.spec->dir;
    const std::string executable = value("executable");
    launch.command = {executable.find('/') == executable.npos ? "./" + executable : executable};
    for (auto& word : parse_arguments(value("arguments"))) launch.command.push_back(std::move(word));
    launch.environment = job.spec->environment;
    const std::string scratch = script.substr(0, script.rfind('/'));
    set_variable(launch.environment, "_CONDOR_SCRATCH_DIR", scratch);
    set_variable(launch.environment, "_CONDOR_SLOT", "slot1_1");
    set_variable(launch.environment, "_CONDOR_JOB_IWD", job.spec->dir);
    set_variable(launch.environment, "HOSTNAME", job.status.places.front().host);
    launch.input = value("input");
    launch.output = value("output").empty() ? "/dev/null" : value("output");
    launch.error = value("error").empty() ? "/dev/null" : value("error");
    if (launch.error == launch.output) launch.error.clear();
    return launch;
  }

  std::string last_words(const Job&, State, const std::string&) const override { return ""; }
};

}  // namespace
}  // namespace htcondor

std::unique_ptr<Dialect> htcondor_dialect() { return std::make_unique<htcondor::Htcondor>(); }

}  // namespace cohort::fake_scheduler
