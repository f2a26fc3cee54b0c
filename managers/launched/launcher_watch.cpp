#include "launcher_watch.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <fstream>
#include <string_view>
#include <utility>

#include <cohort/start_thread.hpp>
#include <cohort/types.hpp>

#include "../batch/notice.hpp"

namespace cohort_launched {
namespace {

using namespace std::chrono_literals;

constexpr cohort::Duration kill_limit = 5s;  // from SIGTERM on
constexpr int most_ancestors = 20;

// What the processes are called under which launchers start others on a host, as the first 15 bytes of their programs'
// names.
constexpr std::string_view launchers[] = {"mpiexec", "mpiexec.openmpi", "mpirun",          "mpirun.openmpi",
                                          "orterun", "orted",           "prterun",         "prted",
                                          "prte",    "mpiexec.hydra",   "hydra_pmi_proxy", "slurmstepd"};

struct Process {
  std::string name;
  pid_t parent = 0;
};

Process process_of(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  Process process;
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("Name:\t")) process.name = line.substr(6);
    if (line.starts_with("PPid:\t")) std::from_chars(line.data() + 6, line.data() + line.size(), process.parent);
  }
  return process;
}

// Scripts may be between it and this process. 0: it is not seen.
pid_t launcher_of_this_process() {
  pid_t pid = ::getppid();
  for (int i = 0; i < most_ancestors && pid > 1; ++i) {
    const Process process = process_of(pid);
    if (std::ranges::find(launchers, process.name) != std::end(launchers)) return pid;
    pid = process.parent;
  }
  return 0;
}

// @return false: the time is over.
bool wait_for(pollfd* descriptors, nfds_t count, cohort::Clock::time_point deadline) {
  for (;;) {
    const int ready = ::poll(descriptors, count, cohort::poll_timeout(deadline));
    if (ready >= 0 || errno != EINTR) return ready != 0;
  }
}

}  // namespace

LauncherWatch::LauncherWatch(std::string launcher) : launcher_(std::move(launcher)), stop_(::eventfd(0, EFD_CLOEXEC)) {
  const pid_t pid = launcher_of_this_process();
  if (pid == 0 || stop_.get() < 0) return;
  process_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (process_.get() < 0) return;  // an old kernel, or a process of which this one must not know
  thread_ = cohort::start_thread("watch over " + launcher_, [this] { run(); });
}

LauncherWatch::~LauncherWatch() {
  if (!thread_.joinable()) return;
  ::eventfd_write(stop_.get(), 1);
  thread_.join();
}

void LauncherWatch::run() const {
  pollfd polled[] = {{stop_.get(), POLLIN, 0}, {process_.get(), POLLIN, 0}};
  wait_for(polled, 2, cohort::Clock::time_point::max());
  if (polled[0].revents != 0) return;
  cohort::batch::say(launcher_ + ", which has started this program, has ended: the program ends, too");
  ::kill(::getpid(), SIGTERM);
  if (!wait_for(polled, 1, cohort::deadline_after(kill_limit))) ::kill(::getpid(), SIGKILL);
}

}  // namespace cohort_launched
