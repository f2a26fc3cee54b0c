#include "base/cpus.hpp"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include <cohort/cpus.hpp>

#include "base/system_info.hpp"

namespace cohort {
namespace {

namespace fs = std::filesystem;

std::optional<double> quotient(long long quota, long long period) {
  if (quota <= 0 || period <= 0) return std::nullopt;
  return static_cast<double>(quota) / static_cast<double>(period);
}

// A whole number at the start of `text`, which is taken off; nothing where there is a word instead.
std::optional<long long> take_number(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  long long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

// Whole numbers, or a word where there is no limit: "max 100000" (version 2), "-1" (version 1).
std::optional<double> quota_in(const fs::path& group) {
  const auto numbers_of = [](std::string_view text) {
    const auto quota = take_number(text), period = quota ? take_number(text) : std::nullopt;
    return quota && period ? quotient(*quota, *period) : std::nullopt;
  };
  const std::string both = read_system_file(group / "cpu.max");
  if (!both.empty()) return numbers_of(both);
  std::string quota = read_system_file(group / "cpu.cfs_quota_us");
  if (quota.empty()) return std::nullopt;
  std::ranges::replace(quota, '\n', ' ');
  return numbers_of(quota + read_system_file(group / "cpu.cfs_period_us"));
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
  const std::string text = read_system_file(groups);
  for (std::string_view lines = text; !lines.empty();) {
    const std::string line(lines.substr(0, lines.find('\n')));
    lines.remove_prefix(std::min(line.size() + 1, lines.size()));
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
  cpu_set_t bound;
  CPU_ZERO(&bound);
  const bool known = ::sched_getaffinity(0, sizeof bound, &bound) == 0;
  int cpus = known ? CPU_COUNT(&bound) : static_cast<int>(std::thread::hardware_concurrency());
  if (const auto quota = cpu_quota("/proc/self/cgroup", "/sys/fs/cgroup"); quota && *quota < cpus)
    cpus = static_cast<int>(std::ceil(*quota));
  return std::max(1, cpus);
}

}  // namespace cohort
