// sbatch and salloc.

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <utility>

#include "../text.hpp"
#include "commands.hpp"
#include "environment.hpp"
#include "submission.hpp"

namespace cohort::fake_scheduler::slurm {
namespace {

Submission submission_of(const Request& request) {
  Submission submission;
  submission.spec.dir = request.dir;
  submission.spec.environment = request.environment;
  submission.spec.umask = request.umask;
  submission.spec.user = request.variable("USER").value_or(::getuid() == 0 ? "root" : std::to_string(::getuid()));
  submission.spec.more.emplace_back("submit_dir", request.dir);
  return submission;
}

// With nodes and no number of tasks there is one on each.
void complete(JobSpec& spec) {
  if (spec.tasks_given || spec.nodes == 0) return;
  spec.tasks = spec.nodes * std::max(spec.tasks_per_node, 1);
}

void refuse(Call& call, const Refusal& refusal) { call.answer({"", refusal.text, refusal.code}); }

void wait_for_end(const std::shared_ptr<Call>& call, Scheduler& scheduler, const std::vector<Job*>& jobs) {
  auto left = std::make_shared<std::size_t>(jobs.size());
  auto worst = std::make_shared<int>(0);
  for (const Job* job : jobs) {
    scheduler.watch(job->number, [call, left, worst](const Job& changed) {
      if (!has_ended(changed.status.state)) return true;
      const int status = changed.status.wait_status;
      const int code = (status & 0x7f) != 0 ? 128 + (status & 0x7f) : status >> 8 & 0xff;
      *worst = std::max(*worst, code == 0 && changed.status.state != State::completed ? 1 : code);
      if (--*left == 0) call->exit(*worst);
      return false;
    });
  }
}

void submit_script(const std::shared_ptr<Call>& call, Scheduler& scheduler, Submission submission, std::string script) {
  constexpr std::string_view no_script =
      "sbatch: error: This does not look like a batch script.  The first\n"
      "sbatch: error: line must start with #! followed by the path to an interpreter.\n"
      "sbatch: error: For instance: #!/bin/sh\n";
  if (trimmed(script).empty()) return refuse(*call, {"sbatch: error: Batch script is empty!\n"});
  if (!script.starts_with("#!")) return refuse(*call, {std::string(no_script)});
  // What the command line says counts more than the script.
  auto refusal = read_script(script, submission);
  if (!refusal) refusal = read_submission("sbatch", call->arguments(), submission);
  complete(submission.spec);
  if (!refusal) refusal = check("sbatch", submission, scheduler);
  if (refusal) return refuse(*call, *refusal);
  if (submission.test_only) {
    return call->answer({"",
                         "sbatch: Job 1 to start at " + date_text(std::chrono::system_clock::now()) + " using " +
                             std::to_string(submission.spec.tasks) + " processors on nodes n1 in partition " +
                             submission.spec.queue + "\n",
                         0});
  }
  submission.spec.script = std::move(script);
  const auto jobs = scheduler.submit(submission.spec, submission.array_tasks, submission.at_once);
  const std::string id = std::to_string(jobs.front()->number);
  if (!submission.quiet || submission.parsable)
    call->out(submission.parsable ? id + "\n" : "Submitted batch job " + id + "\n");
  if (submission.wait)
    wait_for_end(call, scheduler, jobs);
  else
    call->exit(0);
}

std::vector<std::string> allocation_environment(const Request& request, const Job& job) {
  auto environment = request.environment;
  remove_variables(environment, {"SLURM_"});
  set_job_variables(environment, job);
  return environment;
}

}  // namespace

void sbatch(const std::shared_ptr<Call>& call, Scheduler& scheduler) {
  Submission submission = submission_of(call->request());
  if (const auto refusal = read_submission("sbatch", call->arguments(), submission)) return refuse(*call, *refusal);
  const auto rest = submission.rest;
  const std::string wrap = submission.wrap;
  submission = submission_of(call->request());
  if (!wrap.empty()) {
    submission.spec.name = "wrap";
    return submit_script(call, scheduler, std::move(submission),
                         "#!/bin/sh\n# This script was created by sbatch --wrap.\n\n" + wrap + "\n");
  }
  if (rest.empty()) {
    submission.spec.name = "sbatch";
    auto shared = std::make_shared<Submission>(std::move(submission));
    return call->read_whole_input([call, &scheduler, shared](std::string script) {
      submit_script(call, scheduler, std::move(*shared), std::move(script));
    });
  }
  const std::string path = rest[0].starts_with('/') ? rest[0] : call->request().dir + "/" + rest[0];
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file) return refuse(*call, {"sbatch: error: Unable to open file " + rest[0] + "\n"});
  submission.spec.name = rest[0].substr(rest[0].rfind('/') + 1);
  submission.spec.arguments.assign(rest.begin() + 1, rest.end());
  submit_script(call, scheduler, std::move(submission), text.str());
}

void salloc(const std::shared_ptr<Call>& call, Scheduler& scheduler) {
  Submission submission = submission_of(call->request());
  submission.spec.name = "interactive";
  auto refusal = read_submission("salloc", call->arguments(), submission);
  complete(submission.spec);
  if (!refusal) refusal = check("salloc", submission, scheduler);
  if (refusal) return refuse(*call, *refusal);
  auto command = submission.rest;
  if (command.empty()) command = {call->request().variable("SHELL").value_or("/bin/sh")};
  Job& job = scheduler.allocate(submission.spec);
  const JobNumber number = job.number;
  const std::string id = std::to_string(number);
  const auto say = [call, quiet = submission.quiet](const std::string& words) {
    if (!quiet) call->err("salloc: " + words + "\n");
  };
  const auto release = [&scheduler, number](int wait_status) {
    if (Job* mine = scheduler.jobs().find(number)) scheduler.release_allocation(*mine, wait_status);
  };
  call->on_gone([release] { release(SIGTERM); });
  // Signals of a terminal are for the command, too; the others end both.
  call->attach([call, release](int signal) {
    if (signal == SIGINT || signal == SIGQUIT) return;
    call->signal_command(signal);
    release(signal);
  });
  scheduler.watch(number, [=, told = false, revoked = std::make_shared<bool>(false)](const Job& changed) mutable {
    switch (changed.status.state) {
      case State::pending:
        if (!std::exchange(told, true) && changed.status.reason != "None") {
          say("Pending job allocation " + id);
          say("job " + id + " queued and waiting for resources");
        }
        return true;
      case State::running:
        if (told) say("job " + id + " has been allocated resources");
        say("Granted job allocation " + id);
        call->run(command, allocation_environment(call->request(), changed), [=](int code) {
          if (!*revoked) say("Relinquishing job allocation " + id);
          release(code << 8);
          call->exit(code);
        });
        return true;
      default:
        if (changed.status.start && changed.status.state != State::completed && changed.status.state != State::failed)
          say("Job allocation " + id + " has been revoked.");
        *revoked = true;
        if (!changed.status.start) {
          call->err("salloc: Job allocation " + id + " has been revoked.\n");
          call->exit(1);
        }
        return false;
    }
  });
}

}  // namespace cohort::fake_scheduler::slurm
