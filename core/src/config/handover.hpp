#pragma once

#include <optional>
#include <string>

namespace cohort {

/// Passes the text of a cluster file to the Session of the program that this process will execute: in an inherited
/// descriptor, whose number and mark are in the environment. The text is not in the arguments, which everybody can
/// read, and not in the environment, which all children inherit.
/// @return the descriptor. Its offset is 0 once a Session has taken the cluster. @throws Error.
int hand_over(const std::string& cluster);

/// Takes the text that was passed in this way; nullopt if there is none. It can be taken once.
/// @throws ConfigError if the descriptor is not the one that was passed: it then belongs to others, and is not touched.
std::optional<std::string> take_handover();

}  // namespace cohort
