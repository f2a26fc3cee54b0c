#pragma once

#include <string>
#include <vector>

#include "identities.hpp"
#include "libssh_handles.hpp"
#include "patience.hpp"

namespace cohort_ssh {

/// Authenticates the user: with `identity_files` if some are given (and with the agent, if one of them is locked), else
/// with the keys of the agent and then with the user's default keys.
/// @throws LaunchFailure in phase "auth", with all keys that were tried.
void authenticate(ssh_session session, const std::vector<std::string>& identity_files, Identities& identities,
                  const Patience& patience);

}  // namespace cohort_ssh
