#include "remote_tasks.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>

#include "job_run.hpp"
#include "text.hpp"

namespace cohort::fake_scheduler {
namespace {

constexpr std::size_t enough = 256 << 10;  // bytes that wait for somebody slow

/// One such call, from its beginning to the end of its tasks.
class TasksCall : public std::enable_shared_from_this<TasksCall> {
 public:
  TasksCall(std::shared_ptr<Call> call, Scheduler& scheduler, JobNumber job)
      : call_(std::move(call)), scheduler_(scheduler), job_(job) {}

  void begin(JobRun& run, RemoteTasks tasks) {
    StepSpec spec;
    spec.command = std::move(tasks.command);
    spec.dir = call_->request().dir;
    spec.environment = std::move(tasks.environment);
    spec.task_environment = std::move(tasks.task_environment);
    spec.places = std::move(tasks.places);
    spec.umask = call_->request().umask;
    spec.has_input = tasks.has_input;
    spec.cannot_start = [program = spec.command.at(0)](const std::string& host, const std::string& why) {
      return host + ": " + program + ": " + why + "\n";
    };
    const auto self = shared_from_this();
    step_ = &run.add_step(
        std::move(spec),
        {[self](const auto&, bool is_error, std::string_view bytes) { self->printed(is_error, bytes); },
         [self](const auto& task) { self->worst_ = std::max(self->worst_, shell_code(task.wait_status)); },
         [self] { self->all_ended(); }});
    call_->on_gone([self] { self->signal(SIGTERM); });
    call_->attach([self](int number) { self->signal(number); });
    call_->on_drained([self] {
      if (self->step_ != nullptr) self->step_->resume_output();
    });
    step_->start([&run](const std::string& host) { return run.mark(host); });
    if (step_ == nullptr || !tasks.has_input) return;
    step_->on_input_drained([self] { self->call_->resume_input(); });
    call_->read_input([self](std::string_view bytes) {
      if (self->step_ == nullptr) return;
      self->step_->write_input(bytes);
      if (self->step_->input_backlog() > enough) self->call_->pause_input();
    });
  }

 private:
  void printed(bool is_error, std::string_view bytes) {
    if (is_error)
      call_->err(bytes);
    else
      call_->out(bytes);
    if (call_->backlog() > enough && step_ != nullptr) step_->pause_output();
  }

  void signal(int number) {
    if (step_ != nullptr) step_->signal(number);
  }

  void all_ended() {
    Step* step = std::exchange(step_, nullptr);
    if (JobRun* run = scheduler_.run_of(job_)) run->remove_step(*step);
    call_->exit(worst_);
  }

  const std::shared_ptr<Call> call_;
  Scheduler& scheduler_;
  const JobNumber job_;
  Step* step_ = nullptr;  // null: before its beginning, and after its end
  int worst_ = 0;
};

}  // namespace

void run_tasks(const std::shared_ptr<Call>& call, Scheduler& scheduler, Job& job, RemoteTasks tasks) {
  JobRun* run = scheduler.run_of(job);
  if (run == nullptr || run->ending())
    return call->answer({"", std::string(call->command()) + ": the job does not run\n", 1});
  std::make_shared<TasksCall>(call, scheduler, job.number)->begin(*run, std::move(tasks));
}

JobSpec spec_of(const Request& request) {
  JobSpec spec;
  spec.dir = request.dir;
  spec.umask = request.umask;
  spec.user = request.variable("USER").value_or(::getuid() == 0 ? "root" : std::to_string(::getuid()));
  spec.more.emplace_back("submit_dir", request.dir);
  spec.more.emplace_back("home", home_of(request));
  return spec;
}

std::vector<std::string> login_environment(const Request& request) {
  std::vector<std::string> environment;
  for (const char* name : {"HOME", "USER", "LOGNAME", "SHELL", "TZ", "TMPDIR", "COHORT_FAKE_SCHEDULER"})
    if (const auto value = request.variable(name)) environment.push_back(name + ("=" + *value));
  std::string path = "/usr/local/bin:/usr/bin:/bin";
  if (const auto directory = request.variable("COHORT_FAKE_SCHEDULER")) path = *directory + "/bin:" + path;
  environment.push_back("PATH=" + path);
  return environment;
}

void set_variables(std::vector<std::string>& environment, std::string_view list, const Request& request) {
  for (const std::string_view part : split(list, ',')) {
    const auto equals = part.find('=');
    if (equals != part.npos)
      set_variable(environment, part.substr(0, equals), part.substr(equals + 1));
    else if (const auto value = request.variable(part))
      set_variable(environment, part, *value);
  }
}

int shell_code(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

void when_ended(Scheduler& scheduler, const Job& job, std::function<void(const Job&)> ended) {
  scheduler.watch(job.number, [ended = std::move(ended)](const Job& changed) {
    if (!has_ended(changed.status.state)) return true;
    ended(changed);
    return false;
  });
}

std::optional<std::uint64_t> parse_memory(std::string_view text, std::uint64_t unit) {
  if (text.ends_with('b') || text.ends_with('B')) text.remove_suffix(1), unit = 1;
  if (!text.empty()) {
    const char last = text.back();
    const auto power = std::string_view("kmgt").find(last >= 'A' && last <= 'Z' ? static_cast<char>(last + 32) : last);
    if (power != std::string_view::npos) {
      unit = std::uint64_t{1} << (10 * (power + 1));
      text.remove_suffix(1);
    }
  }
  const auto value = number(text);
  if (!value || *value < 0 || *value > (std::int64_t{1} << 40)) return std::nullopt;
  return static_cast<std::uint64_t>(*value) * unit;
}

std::optional<Milliseconds> parse_clock(std::string_view text, Milliseconds unit) {
  std::int64_t sum = 0;
  const auto parts = split(text, ':');
  if (parts.size() > 3) return std::nullopt;
  for (const auto part : parts) {
    const auto value = part.empty() ? 0 : number(part);
    if (!value || *value < 0 || *value > 100'000'000) return std::nullopt;
    sum = sum * 60 + *value;
  }
  return sum * (parts.size() == 3 && unit > std::chrono::seconds(1) ? std::chrono::seconds(1) : unit);
}

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "localhost";
}

std::optional<std::string> read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file) return std::nullopt;
  return text.str();
}

std::string home_of(const Request& request) { return request.variable("HOME").value_or("/"); }

}  // namespace cohort::fake_scheduler
