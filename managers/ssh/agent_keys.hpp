#pragma once

#include <string>

namespace cohort_ssh {

/// The comments of the keys that the agent of SSH_AUTH_SOCK has, for a message: " (ada@laptop, work)". "" if it has
/// none or does not say. Waits a second at most.
std::string names_of_agent_keys();

}  // namespace cohort_ssh
