#include "launch_limits.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

#include <cohort/error.hpp>

namespace cohort_local {
namespace {

constexpr std::int64_t descriptors_of_worker = 5;  // in this process: two pipes, the process, its connection, a timer
constexpr std::int64_t tasks_of_worker = 4;        // an idle one's threads
constexpr std::int64_t unlimited = std::numeric_limits<std::int64_t>::max();

struct Limit {
  std::int64_t value = unlimited;
  std::int64_t used = 0;
  std::string name;
};

// "max" is no number, as is a file that is not there.
std::int64_t number_in(const std::string& file, std::int64_t otherwise) {
  std::int64_t number = 0;
  return std::ifstream(file) >> number ? number : otherwise;
}

std::int64_t soft_limit(int resource) {
  rlimit limit{};
  if (::getrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return unlimited;
  return static_cast<std::int64_t>(limit.rlim_cur);
}

Limit of_descriptors() {
  std::error_code none;
  const std::filesystem::directory_iterator open("/proc/self/fd", none);
  return {soft_limit(RLIMIT_NOFILE), std::distance(begin(open), end(open)), "ulimit -n"};
}

Limit of_processes() {
  const Limit limits[] = {
      {::geteuid() == 0 ? unlimited : soft_limit(RLIMIT_NPROC), 0, "ulimit -u"},
      {number_in("/sys/fs/cgroup/pids.max", unlimited), number_in("/sys/fs/cgroup/pids.current", 0), "pids.max"},
      {number_in("/sys/fs/cgroup/pids/pids.max", unlimited), number_in("/sys/fs/cgroup/pids/pids.current", 0),
       "pids.max"},
      {number_in("/proc/sys/kernel/threads-max", unlimited), 0, "kernel.threads-max"},
      {number_in("/proc/sys/kernel/pid_max", unlimited), 0, "kernel.pid_max"},
  };
  return *std::ranges::min_element(limits, {}, [](const Limit& limit) { return limit.value - limit.used; });
}

void check(std::int64_t workers, const Limit& limit, std::int64_t each, const std::string& things,
           const std::string& where) {
  const std::int64_t fit = std::max<std::int64_t>(0, (limit.value - limit.used) / each);
  if (workers <= fit) return;
  throw cohort::LaunchError(std::to_string(workers) + " local workers need some " + std::to_string(workers * each) +
                            ' ' + things + ' ' + where + "; there may be " + std::to_string(limit.value) + " (" +
                            limit.name + "), of which " + std::to_string(limit.used) + " are used. " +
                            (fit > 0 ? "Launch at most " + std::to_string(fit) + ", or raise" : "Raise") +
                            " the limit");
}

}  // namespace

void check_limits(std::int64_t workers) {
  check(workers, of_descriptors(), descriptors_of_worker, "descriptors", "in this process");
  check(workers, of_processes(), tasks_of_worker, "processes and threads", "here");
}

}  // namespace cohort_local
