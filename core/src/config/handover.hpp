#pragma once

#include <optional>
#include <string>

namespace cohort {

/// Leaves the text of a cluster file to the Session of the program that this process is about to become: in a
/// descriptor that it inherits, whose number and mark are in the environment. The text stays out of the arguments and
/// out of the environment, which everybody can read or inherits.
/// @return the descriptor. Its offset is at the beginning once somebody has taken the cluster. @throws Error.
int hand_over(const std::string& cluster);

/// Takes what was left so; nullopt: nothing. Once, as it is gone then.
/// @throws ConfigError where the descriptor is not what was handed over: then it is somebody else's, and left alone.
std::optional<std::string> take_handover();

}  // namespace cohort
