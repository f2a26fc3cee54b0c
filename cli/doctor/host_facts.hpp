#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cohort::doctor {

/// What to ask a host about.
struct Questions {
  std::string shell;    ///< the command that reads the script
  std::string program;  ///< path of the program that workers run; empty: do not ask
  std::string dir;      ///< where they run; empty: do not ask
  int port = 0;         ///< where the first one listens; 0: any port
};

/// What a host says about itself. What it does not say is not set.
struct HostFacts {
  std::string noise;                                   ///< what came before the answers: a profile that prints
  std::optional<std::chrono::duration<double>> clock;  ///< since 1970
  std::optional<std::uint64_t> shared_memory;          ///< free bytes in /dev/shm
  std::optional<std::uint64_t> open_files;             ///< UINT64_MAX: no limit
  std::optional<std::uint64_t> processes;
  bool port_in_use = false;
  bool dir_is_missing = false;
  enum class Program { not_asked, missing, not_executable, there } program = Program::not_asked;
  std::vector<std::string> missing_libraries;
  std::optional<std::uint64_t> opencl_drivers;  ///< set if the program uses cohort::opencl
  std::vector<std::byte> program_head;          ///< the first bytes of the program's file
};

/// One line for a POSIX shell, which answers in lines after the one that is `mark`.
std::string facts_script(const Questions& questions, const std::string& mark);

/// @param output all that came. nullopt: the mark is not in it.
std::optional<HostFacts> parse_facts(const std::string& output, const std::string& mark);

}  // namespace cohort::doctor
