#include <signal.h>
#include <string.h>

#include <algorithm>
#include <map>
#include <utility>

#include "../job_run.hpp"
#include "../text.hpp"
#include "commands.hpp"
#include "environment.hpp"
#include "submission.hpp"

namespace cohort::fake_scheduler::slurm {
namespace {

using namespace std::chrono_literals;

constexpr Milliseconds ends_come_together{15};
constexpr std::size_t enough = 256 << 10;  // bytes that wait for somebody slow

// "tasks 0-2,5"
std::string task_list(const std::vector<int>& tasks) {
  std::string text = tasks.size() > 1 ? "tasks " : "task ";
  for (std::size_t i = 0; i < tasks.size();) {
    std::size_t last = i;
    while (last + 1 < tasks.size() && tasks[last + 1] == tasks[last] + 1) last++;
    text += (i == 0 ? "" : ",") + std::to_string(tasks[i]);
    if (last > i) text += "-" + std::to_string(tasks[last]);
    i = last + 1;
  }
  return text;
}

int exit_code(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

/// One srun: a step of a job, from when it has slots to the end of its tasks.
class StepCall : public std::enable_shared_from_this<StepCall> {
 public:
  StepCall(std::shared_ptr<Call> call, Scheduler& scheduler, Submission submission, JobNumber job, bool owns_job)
      : call_(std::move(call)), scheduler_(scheduler), wish_(std::move(submission)), job_(job), owns_job_(owns_job) {}

  void begin() {
    Job* job = scheduler_.jobs().find(job_);
    JobRun* run = scheduler_.run_of(job_);
    if (job == nullptr || run == nullptr || run->ending())
      return fail("Unable to confirm allocation for job " + std::to_string(job_) + ": Invalid job id specified");
    const auto places = place(*job, *run);
    if (places.empty()) return;
    start(*job, *run, places);
  }

 private:
  void fail(const std::string& why) {
    release(1 << 8);
    call_->answer({"", "srun: error: " + why + "\n", 1});
  }

  void release(int wait_status) {
    if (!owns_job_) return;
    if (Job* job = scheduler_.jobs().find(job_)) scheduler_.release_allocation(*job, wait_status);
  }

  // Where its tasks run; empty: it was refused, or waits for slots.
  std::vector<Place> place(const Job& job, JobRun& run) {
    JobSpec& spec = wish_.spec;
    std::vector<Place> given;
    int all = 0, free = 0;
    for (const Place& place : job.status.places) {
      if (!wish_.hosts.empty() && std::ranges::find(wish_.hosts, place.host) == wish_.hosts.end()) continue;
      if (scheduler_.hosts().find(place.host)->down) continue;
      Place room = place;
      room.tasks = std::max(place.tasks, place.cpus / spec.cpus_per_task);
      all += room.tasks;
      if (!wish_.overlap) room.tasks = std::max(0, room.tasks - run.slots_in_use(place.host));
      free += room.tasks;
      given.push_back(room);
    }
    if (!spec.tasks_given) spec.tasks = spec.nodes > 0 ? spec.nodes : job.spec->tasks;
    const bool spread = spec.overcommit && spec.tasks > all;
    if (given.empty() || (spec.tasks > all && !spread)) {
      fail("Unable to create step for job " + std::to_string(job_) + ": " +
           (given.empty() ? "Requested node configuration is not available"
                          : "More processors requested than permitted"));
      return {};
    }
    if (!spread && spec.tasks > free) {
      if (!std::exchange(told_, true))
        call_->err("srun: Job " + std::to_string(job_) +
                   " step creation temporarily disabled, retrying (Requested nodes are busy)\n");
      run.when_slots_are_free([self = shared_from_this()] { self->begin(); });
      return {};
    }
    std::vector<Place> places;
    int left = spec.tasks, hosts = static_cast<int>(given.size());
    for (Place& room : given) {
      const int share = spread ? (left + hosts - 1) / hosts : room.tasks;
      // With a number of nodes each of them gets a task.
      const int others = std::max(0, spec.nodes - static_cast<int>(places.size()) - 1);
      const int tasks = std::min(share, left - others);
      hosts--;
      if (tasks <= 0) continue;
      room.tasks = tasks;
      places.push_back(room);
      left -= tasks;
      if (left == 0) break;
    }
    return places;
  }

  void start(Job& job, JobRun& run, const std::vector<Place>& places) {
    number_ = run.next_step_number();
    id_ = std::to_string(job_) + "." + std::to_string(number_);
    StepSpec spec;
    spec.command = wish_.rest;
    spec.dir = wish_.spec.dir;
    spec.environment = wish_.spec.environment;
    set_step_variables(spec.environment, job, number_, places);
    spec.places = places;
    spec.umask = wish_.spec.umask;
    spec.has_input = wish_.input != "none";
    spec.task_environment = [places](int task, const Place& place, int on_host) {
      return task_variables(places, task, place, on_host);
    };
    spec.cannot_start = [program = wish_.rest[0]](const std::string& host, const std::string& why) {
      return "slurmstepd-" + host + ": error: execve(): " + program + ": " + why + "\n";
    };
    if (!wish_.overlap)
      for (const Place& place : places) run.slots_in_use(place.host) += place.tasks;
    const auto self = shared_from_this();
    step_ = &run.add_step(
        std::move(spec),
        {[self](const auto& task, bool is_error, std::string_view bytes) { self->printed(task, is_error, bytes); },
         [self](const auto& task) { self->ended(task); }, [self] { self->all_ended(); }});
    call_->on_gone([self] { self->terminate(); });
    call_->attach([self](int signal) { self->take_signal(signal); });
    call_->on_drained([self] {
      if (self->step_ != nullptr) self->step_->resume_output();
    });
    step_->start([&run](const std::string& host) { return run.mark(host); });
    if (spec_has_input()) pass_input();
  }

  bool spec_has_input() const { return step_ != nullptr && step_->spec().has_input; }

  void pass_input() {
    const auto self = shared_from_this();
    step_->on_input_drained([self] { self->call_->resume_input(); });
    call_->read_input([self](std::string_view bytes) {
      if (self->step_ == nullptr) return;
      self->step_->write_input(bytes);
      if (self->step_->input_backlog() > enough) self->call_->pause_input();
    });
  }

  void printed(const Step::Task& task, bool is_error, std::string_view bytes) {
    std::string text(bytes);
    if (wish_.label) {
      text.clear();
      for (const auto line : split(bytes.ends_with('\n') ? bytes.substr(0, bytes.size() - 1) : bytes, '\n'))
        text += std::to_string(task.number) + ": " + std::string(line) + "\n";
    }
    if (is_error)
      call_->err(text);
    else
      call_->out(text);
    if (call_->backlog() > enough && step_ != nullptr) step_->pause_output();
  }

  void ended(const Step::Task& task) {
    worst_ = std::max(worst_, exit_code(task.wait_status));
    signalled_ = signalled_ || WIFSIGNALED(task.wait_status);
    if (task.wait_status != 0) {
      ends_[{task.host, task.wait_status}].push_back(task.number);
      if (tell_ == 0)
        tell_ = scheduler_.timers().after(ends_come_together, [self = shared_from_this()] { self->tell_ends(); });
    }
    const auto self = shared_from_this();
    if (wish_.wait_for_others > 0ms && wait_ == 0 && !terminated_)
      wait_ = scheduler_.timers().after(wish_.wait_for_others, [self] {
        self->call_->err("srun: First task exited " + std::to_string(self->wish_.wait_for_others.count() / 1000) +
                         "s ago\n");
        self->terminate();
      });
  }

  void tell_ends() {
    scheduler_.timers().cancel(tell_);
    const bool bad = !ends_.empty();
    for (auto& [end, tasks] : std::exchange(ends_, {})) {
      std::ranges::sort(tasks);
      const auto& [host, status] = end;
      std::string how = "Exited with exit code " + std::to_string(WEXITSTATUS(status));
      if (WIFSIGNALED(status)) how = ::strsignal(WTERMSIG(status));
      call_->err("srun: error: " + host + ": " + task_list(tasks) + ": " + how + "\n");
    }
    if (!bad || !wish_.kill_on_bad_exit || terminated_ || step_ == nullptr) return;
    call_->err("srun: launch/slurm: _step_signal: Terminating StepId=" + id_ + "\n");
    terminate();
  }

  void take_signal(int signal) {
    if (signal == SIGINT && !std::exchange(interrupted_, true)) {
      call_->err("srun: interrupt (one more within 1 sec to abort)\nsrun: StepId=" + id_ + " tasks 0-" +
                 std::to_string(step_ == nullptr ? 0 : step_->tasks().size() - 1) + ": running\n");
      return;
    }
    if (terminated_) return;
    call_->err("srun: Job step aborted: Waiting up to 4 seconds for job step to finish.\n");
    terminate();
  }

  void terminate() {
    if (step_ == nullptr || std::exchange(terminated_, true)) return;
    call_->err("slurmstepd-" + step_->tasks().front().host + ": error: *** STEP " + id_ + " ON " +
               step_->tasks().front().host + " CANCELLED AT " + date_text(std::chrono::system_clock::now()) + " ***\n");
    step_->signal(SIGTERM);
    kill_ = scheduler_.timers().after(scheduler_.settings().kill_grace, [self = shared_from_this()] {
      if (self->step_ == nullptr) return;
      self->step_->signal(SIGKILL);
      self->step_->let_go_of_output();
    });
  }

  void all_ended() {
    for (auto* token : {&wait_, &kill_}) scheduler_.timers().cancel(*token);
    Step* step = std::exchange(step_, nullptr);
    if (JobRun* run = scheduler_.run_of(job_)) {
      if (!wish_.overlap)
        for (const Place& place : step->spec().places) run->slots_in_use(place.host) -= place.tasks;
      run->remove_step(*step);
    }
    tell_ends();
    if (signalled_) call_->err("srun: Force Terminated StepId=" + id_ + "\n");
    release(signalled_ ? worst_ - 128 : worst_ << 8);
    call_->exit(worst_);
  }

  const std::shared_ptr<Call> call_;
  Scheduler& scheduler_;
  Submission wish_;
  const JobNumber job_;
  const bool owns_job_;  // it is an allocation for this step
  int number_ = 0;
  std::string id_;
  Step* step_ = nullptr;                                          // null: before its beginning, and after its end
  std::map<std::pair<std::string, int>, std::vector<int>> ends_;  // not told yet
  Timers::Token tell_ = 0, wait_ = 0, kill_ = 0;
  int worst_ = 0;
  bool signalled_ = false, terminated_ = false, interrupted_ = false, told_ = false;
};

}  // namespace

void srun(const std::shared_ptr<Call>& call, Scheduler& scheduler) {
  const Request& request = call->request();
  Submission submission;
  submission.spec.dir = request.dir;
  submission.spec.environment = request.environment;
  submission.spec.umask = request.umask;
  submission.spec.user = request.variable("USER").value_or("root");
  submission.spec.more.emplace_back("submit_dir", request.dir);
  submission.spec.overcommit = request.variable("SLURM_OVERCOMMIT").has_value();
  submission.jobid = request.variable("SLURM_JOB_ID").value_or("");
  if (const auto refusal = read_submission("srun", call->arguments(), submission))
    return call->answer({"", refusal->text, refusal->code});
  if (submission.rest.empty()) return call->answer({"", "srun: fatal: No command given to execute.\n", 1});
  if (!submission.jobid.empty()) {
    const auto tasks = number(request.variable("SLURM_NTASKS").value_or(""));
    if (!submission.spec.tasks_given && submission.spec.nodes == 0 && tasks) {
      submission.spec.tasks = static_cast<int>(*tasks);
      submission.spec.tasks_given = true;
    }
    const auto jobs = find_jobs(scheduler.jobs(), submission.jobid);
    if (jobs.empty())
      return call->answer(
          {"",
           "srun: error: Unable to confirm allocation for job " + submission.jobid +
               ": Invalid job id specified\nsrun: Check SLURM_JOB_ID environment variable. Expired or invalid job " +
               submission.jobid + "\n",
           1});
    return std::make_shared<StepCall>(call, scheduler, std::move(submission), jobs.front()->number, false)->begin();
  }
  if (submission.spec.name.empty()) submission.spec.name = submission.rest[0].substr(submission.rest[0].rfind('/') + 1);
  if (!submission.spec.tasks_given && submission.spec.nodes > 0) submission.spec.tasks = submission.spec.nodes;
  if (const auto refusal = check("srun", submission, scheduler))
    return call->answer({"", refusal->text, refusal->code});
  const JobNumber job = scheduler.allocate(submission.spec).number;
  call->on_gone([&scheduler, job] {
    if (Job* mine = scheduler.jobs().find(job)) scheduler.cancel(*mine);
  });
  scheduler.watch(job, [call, &scheduler, submission, told = false](const Job& changed) mutable {
    const std::string id = std::to_string(changed.number);
    if (changed.status.state == State::pending && changed.status.reason != "None" && !std::exchange(told, true))
      call->err("srun: job " + id + " queued and waiting for resources\n");
    if (changed.status.state == State::pending) return true;
    if (changed.status.state != State::running) {
      call->answer({"", "srun: Job allocation " + id + " has been revoked\n", 1});
      return false;
    }
    if (told) call->err("srun: job " + id + " has been allocated resources\n");
    // When the run of the job is there.
    scheduler.timers().after(0ms, [begin = std::make_shared<StepCall>(call, scheduler, submission, changed.number,
                                                                      true)] { begin->begin(); });
    return false;
  });
}

}  // namespace cohort::fake_scheduler::slurm
