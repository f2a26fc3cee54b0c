#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace cohort::contract {

/// What could be read of it: a file of /proc ends with its process.
std::string text_of(const std::filesystem::path& path);

/// How many a directory has.
std::size_t entries(const std::filesystem::path& directory);

/// Where process ids mean the same: this boot of this host, this container.
std::string namespace_id();

/// 'R', 'S', 'T', 'Z' ...; 0: there is no such process.
char state_of(int pid);
/// A process that ended but was not reaped by whoever has to does not run.
bool is_running(int pid);

/// Of this process, zombies included.
std::vector<int> children();
/// Process ids with command lines.
std::string describe(const std::vector<int>& pids);

}  // namespace cohort::contract
