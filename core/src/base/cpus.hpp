#pragma once

#include <filesystem>
#include <optional>

namespace cohort {

/// The CPUs' worth of time that the control groups of a process allow, by the tightest of its groups and their parents;
/// nullopt: no limit, or none that can be read.
/// @param groups the process's, "/proc/self/cgroup". @param mount "/sys/fs/cgroup", of version 1 or 2.
std::optional<double> cpu_quota(const std::filesystem::path& groups, const std::filesystem::path& mount);

}  // namespace cohort
