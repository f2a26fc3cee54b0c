#pragma once

#include <filesystem>
#include <optional>

namespace cohort {

/// Returns the CPU quota of a process in CPUs: the smallest one of its control groups and their parents. nullopt: there
/// is no limit, or it cannot be read.
/// @param groups "/proc/self/cgroup" of the process. @param mount "/sys/fs/cgroup", of version 1 or 2.
std::optional<double> cpu_quota(const std::filesystem::path& groups, const std::filesystem::path& mount);

}  // namespace cohort
