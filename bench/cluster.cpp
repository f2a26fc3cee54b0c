// What a cluster costs: its launch, its memory, its idle time, how soon a death is noticed, and a command for each
// input.

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cohort/file_descriptor.hpp>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <thread>
#include <vector>

#include "floors/sockets.hpp"
#include "groups.hpp"
#include "rounds.hpp"

namespace {

/// A file of the temporary directory, which exists as long as this.
struct FileOfInput {
  explicit FileOfInput(const std::string& text) {
    const char* directory = std::getenv("TMPDIR");
    path = std::string(directory == nullptr ? "/tmp" : directory) + "/cohort-bench-XXXXXX";
    const cohort::FileDescriptor file(mkstemp(path.data()));
    if (file.get() < 0 || write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      floors::fail("to write " + path);
  }
  ~FileOfInput() { unlink(path.c_str()); }
  FileOfInput(const FileOfInput&) = delete;
  FileOfInput& operator=(const FileOfInput&) = delete;
  std::string path;
};

double memory_of(int process, const std::string& kind) {
  std::ifstream file("/proc/" + std::to_string(process) + "/smaps_rollup");
  for (std::string key; file >> key;) {
    double kib = 0;
    if (key == kind && file >> kib) return kib / 1024;
  }
  throw std::runtime_error("no smaps_rollup");
}

int ospid_of(cohort::Pid pid) { return cohort::process_info(pid).ospid; }

// Until each has answered one call; their removal is not counted.
Samples launch_and_answer(int count) {
  Samples samples(1);
  const auto start = Samples::Clock::now();
  const auto pids = cohort::addprocs(count);
  std::vector<cohort::Future<int>> answers;
  for (cohort::Pid pid : pids) answers.push_back(cohort::remotecall([] { return 1; }, pid));
  for (auto& answer : answers) answer.fetch();
  samples.add(Samples::Clock::now() - start);
  cohort::rmprocs(pids);
  return samples;
}

// From kill -9 to the exception in the call that waits for this worker.
Samples deaths_of(int count) {
  Samples samples(count);
  for (const cohort::Pid pid : cohort::addprocs(count)) {
    const int process = ospid_of(pid);
    auto call = cohort::remotecall(
        [] {
          for (;;) pause();
        },
        pid);
    const auto start = Samples::Clock::now();
    kill(process, SIGKILL);
    try {
      call.fetch();
      throw std::runtime_error("the worker still lives");
    } catch (const cohort::ProcessExitedException&) {
      samples.add(Samples::Clock::now() - start);
    }
  }
  return samples;
}

double cpu_seconds_of(int process) {
  clockid_t clock;
  timespec used{};
  errno = clock_getcpuclockid(process, &clock);
  if (errno != 0 || clock_gettime(clock, &used) != 0) floors::fail("the CPU time of a process");
  return static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec);
}

/// Until the command has ended. @param input what it reads.
Samples time_of(std::vector<std::string> command, const std::string& input) {
  const FileOfInput file(input);
  return Samples::of(1, [&] {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, file.path.c_str(), O_RDONLY, 0);
    std::vector<char*> arguments;
    for (auto& argument : command) arguments.push_back(argument.data());
    arguments.push_back(nullptr);
    pid_t process = 0;
    errno = posix_spawnp(&process, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    int status = 0;
    if (errno != 0 || waitpid(process, &status, 0) < 0) floors::fail("to start " + command[0]);
    if (status != 0) throw std::runtime_error(command[0] + " failed");
  });
}

}  // namespace

double pss_of(int process) { return memory_of(process, "Pss:"); }
double allocated_by(int process) { return memory_of(process, "Pss_Anon:"); }

void launch(Report& report, const Setting& setting) {
  for (const int workers : {1, 2, 16, 64, 256, 1000}) {
    if (workers > setting.largest || (setting.quick && workers != 16)) continue;
    const auto outcomes = compare({{"posix_spawn", [workers](int) { return floors::spawn_and_answer(workers); }},
                                   {"cohort addprocs", [workers](int) { return launch_and_answer(workers); }}},
                                  workers > 16 ? std::min(setting.rounds, workers > 256 ? 1 : 5) : setting.rounds, 1);
    for (const auto& outcome : outcomes) {
      report.row(workers == 1 ? "from addprocs to the first answer" : fmt::format("launch of {} workers", workers),
                 outcome.name, {{"ms", outcome.p50 / 1000}, {"over_spawn", outcome.p50_ratio}});
    }
  }
}

void memory(Report& report, const Setting&) {
  constexpr int few = 16, more = 48;
  const auto pids = cohort::addprocs(few);
  double sum = 0;
  for (const cohort::Pid pid : pids) sum += pss_of(ospid_of(pid));
  report.row("memory of an idle worker, of 16", "cohort", {{"pss_MiB", sum / few}});

  const double before = allocated_by(getpid());
  const auto others = cohort::addprocs(more);
  report.row("memory of the master for each worker", "cohort",
             {{"KiB", (allocated_by(getpid()) - before) * 1024 / more}});
  cohort::rmprocs(pids);
  cohort::rmprocs(others);
}

void deaths(Report& report, const Setting& setting) {
  const auto outcomes = compare(
      {{"the end of a TCP connection", floors::kill_and_notice}, {"cohort exception", deaths_of}}, setting.rounds, 4);
  for (const auto& outcome : outcomes)
    report.row("from kill -9 of a worker to the exception", outcome.name,
               {{"p50_us", outcome.p50}, {"worst_us", outcome.p99}, {"over_tcp", outcome.p50_ratio}});
}

void idle(Report& report, const Setting&) {
  constexpr int workers = 16;
  constexpr std::chrono::seconds time(5);
  const auto pids = cohort::addprocs(workers);
  std::vector<int> processes{getpid()};
  for (const cohort::Pid pid : pids) processes.push_back(ospid_of(pid));
  const auto used = [&] {
    double sum = 0;
    for (const int process : processes) sum += cpu_seconds_of(process);
    return sum;
  };
  std::this_thread::sleep_for(std::chrono::seconds(1));
  const double before = used();
  std::this_thread::sleep_for(time);
  report.row("CPU of an idle cluster of 16 workers", "cohort, all 17 processes",
             {{"ms_a_second", (used() - before) * 1000 / time.count()}});
  cohort::rmprocs(pids);
}

void on_all(Report& report, const Setting& setting) {
  const auto pids = cohort::addprocs(64);
  const auto outcomes = compare(
      {{"cohort everywhere", [&](int n) { return Samples::of(n, [&] { cohort::everywhere(pids, [] {}); }); }},
       {"cohort fetch_all", [&](int n) { return Samples::of(n, [&] { cohort::fetch_all(pids, [] { return 1; }); }); }}},
      setting.rounds, 20);
  for (const auto& outcome : outcomes)
    report.row("a function on 64 workers", outcome.name, {{"us", outcome.p50}, {"over_everywhere", outcome.p50_ratio}});
  cohort::rmprocs(pids);
}

void commands(Report& report, const Setting& setting) {
  constexpr int jobs = 2000;
  std::string inputs;
  for (int i = 0; i < jobs; i++) inputs += "1\n";
  const auto outcomes = compare({{"xargs -n1 -P2 true",
                                  [&](int) {
                                    return time_of({"xargs", "-n1", "-P2", "true"}, inputs);
                                  }},
                                 {"cohort map -p 2 true",
                                  [&](int) {
                                    return time_of({COHORT_TOOL, "map", "-p", "2", "true"}, inputs);
                                  }}},
                                std::min(setting.rounds, 10), 1);
  for (const auto& outcome : outcomes)
    report.row("a command for each of 2000 inputs", outcome.name,
               {{"jobs_per_s", jobs / (outcome.p50 * 1e-6)}, {"over_xargs", outcome.p50_ratio}});
}
