#pragma once

#include <string>

#include "libssh_handles.hpp"
#include "patience.hpp"
#include "program_files.hpp"

namespace cohort_ssh {

/// Copies a program to a machine by SFTP, into a directory of its own under `cache`, which is made if it is not there.
/// A file that is there as it was copied is copied only if `again`. It takes its place when it is whole: others may use
/// what is there. Blocks; the session must have no other user meanwhile.
/// @param cache absolute, or relative to the home directory, which may be written as '~'.
/// @return the program's directory there, absolute.
/// @throws LaunchFailure in phase "stage"; also where anybody but this user and root could have put a file there.
std::string stage(ssh_session session, const ProgramFiles& program, const std::string& cache, bool again,
                  const Patience& patience);

}  // namespace cohort_ssh
