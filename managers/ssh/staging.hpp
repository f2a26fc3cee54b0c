#pragma once

#include <string>

#include "libssh_handles.hpp"
#include "patience.hpp"
#include "program_files.hpp"

namespace cohort_ssh {

/// Copies a program to a machine by SFTP, into a directory of its own under `cache`, which is created if necessary.
/// A file that is already there is copied only if `again`. A copy replaces the old file atomically, because others may
/// be using it. Blocks; nobody else may use the session meanwhile.
/// @param cache absolute, or relative to the home directory, which may be written as '~'.
/// @return the absolute path of the program's directory there.
/// @throws LaunchFailure in phase "stage"; also if anybody except this user and root could have put a file there.
std::string stage(ssh_session session, const ProgramFiles& program, const std::string& cache, bool again,
                  const Patience& patience);

}  // namespace cohort_ssh
