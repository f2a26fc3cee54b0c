#pragma once

#include <filesystem>
#include <string>

namespace cohort {

/// Asks, as sshd does, whether somebody else could have put the file at `path` there, or changed it. Code and secrets
/// are taken only from places where nobody could. Trusted are this user, root, and the owner of libcohort.so, whose
/// code this process runs anyway. A group may write where it is the owner's private one.
/// Looks at the file, at all directories above it, and at both ends of links on the way. Any thread.
/// @return what is wrong and how to mend it, or "" if nothing is.
std::string why_untrusted(const std::filesystem::path& path);

/// Asks whether an open file that holds a secret is for its owner's eyes only: a file of this user with no rights for
/// group and others, or one of root that a group may read. A pipe or a terminal is.
/// @param name of the file, for the answer. @return what is wrong and how to mend it, or "" if nothing is.
std::string why_not_private(int descriptor, const std::string& name);

/// `path` with the home directory for a `~` or `~user` at its beginning, as a shell expands it. As it is, if it does
/// not begin so or there is no such user.
std::string expand_home(const std::string& path);

}  // namespace cohort
