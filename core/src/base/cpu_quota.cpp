#include "base/cpu_quota.hpp"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#include <cohort/cpus.hpp>

namespace cohort {
namespace {

namespace fs = std::filesystem;

std::optional<double> quotient(long long quota, long long period) {
  if (quota <= 0 || period <= 0) return std::nullopt;
  return static_cast<double>(quota) / static_cast<double>(period);
}

// Whole numbers, or a word where there is no limit: "max 100000" (version 2), "-1" (version 1).
std::optional<double> quota_in(const fs::path& group) {
  long long quota = 0, period = 0;
  if (std::ifstream both(group / "cpu.max"); both >> quota >> period) return quotient(quota, period);
  std::ifstream first(group / "cpu.cfs_quota_us"), second(group / "cpu.cfs_period_us");
  return first >> quota && second >> period ? quotient(quota, period) : std::nullopt;
}

// Up to the mount: a parent's limit is that of all below it.
std::optional<double> tightest(const fs::path& mount, const std::string& group) {
  std::optional<double> least;
  for (fs::path inside = fs::path(group).relative_path();; inside = inside.parent_path()) {
    if (const auto quota = quota_in(mount / inside)) least = std::min(*quota, least.value_or(*quota));
    if (inside.empty()) return least;
  }
}

}  // namespace

std::optional<double> cpu_quota(const fs::path& groups, const fs::path& mount) {
  std::optional<double> least;
  const auto look = [&](const fs::path& at, const std::string& group) {
    if (const auto quota = tightest(at, group)) least = std::min(*quota, least.value_or(*quota));
  };
  // "ID:CONTROLLERS:GROUP"; version 2 has id 0 and names no controllers.
  std::ifstream lines(groups);
  for (std::string line; std::getline(lines, line);) {
    const auto first = line.find(':'), second = line.find(':', first + 1);
    if (first == line.npos || second == line.npos) continue;
    const std::string controllers = ',' + line.substr(first + 1, second - first - 1) + ',';
    const std::string group = line.substr(second + 1);
    if (controllers == ",,") {
      look(mount, group);
    } else if (controllers.find(",cpu,") != controllers.npos) {
      look(mount / "cpu", group);
    }
  }
  return least;
}

int usable_cpus() {
  int cpus = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  cpu_set_t bound;
  CPU_ZERO(&bound);
  if (::sched_getaffinity(0, sizeof bound, &bound) == 0 && CPU_COUNT(&bound) > 0) cpus = CPU_COUNT(&bound);
  if (const auto quota = cpu_quota("/proc/self/cgroup", "/sys/fs/cgroup"); quota && *quota < cpus)
    cpus = static_cast<int>(std::ceil(*quota));
  return std::max(1, cpus);
}

}  // namespace cohort
