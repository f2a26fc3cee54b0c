#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "patience.hpp"

namespace cohort_ssh {

/// A program with all files that it needs except the C library, in the layout of an installed cohort.
struct ProgramFiles {
  struct File {
    std::filesystem::path here;
    std::string there;  ///< relative: "bin/program", "lib/libcohort.so.0", "lib/cohort/plugins/…"
  };
  std::vector<File> files;
  std::string program;  ///< the `there` of the program
  std::string key;      ///< a hash of all names and contents
};

/// @param program path, or a name that is looked up in PATH. @param transport name of the transport's plugin.
/// @throws LaunchFailure in phase "stage".
ProgramFiles collect_program_files(const std::string& program, const std::string& transport, const Patience& patience);

}  // namespace cohort_ssh
