#pragma once

#include <string>
#include <vector>

#include "identities.hpp"
#include "libssh_handles.hpp"
#include "patience.hpp"

namespace cohort_ssh {

/// Proves who the user is: by `identity_files` where some are given (and by the agent, if one of them is locked), else
/// by the keys of the agent and then by the user's default ones.
/// @throws LaunchFailure in phase "auth", with all that was tried.
void authenticate(ssh_session session, const std::vector<std::string>& identity_files, Identities& identities,
                  const Patience& patience);

}  // namespace cohort_ssh
