#pragma once

#include <filesystem>
#include <string>

#include <cohort/detail/export.hpp>

namespace COHORT_EXPORT cohort {

/// Checks, like sshd, whether somebody else could have put the file at `path` there or changed it. Code and secrets
/// must not come from such a file. Trusted are this user, root, and the owner of libcohort.so, whose code this process
/// runs anyway. A group may have write permission if it is the owner's private group. Checks the file, all directories
/// above it, and both ends of links on the way. May be called from any thread.
/// @return what is wrong and how to correct it, or "" if nothing is wrong.
std::string why_untrusted(const std::filesystem::path& path);

/// Checks whether only the owner can read an open file that contains a secret: a file of this user without permissions
/// for group and others, or a file of root that a group may read. Pipes and terminals are accepted.
/// @param name of the file, for the result. @return what is wrong and how to correct it, or "" if nothing is wrong.
std::string why_not_private(int descriptor, const std::string& name);

/// Replaces a `~` or `~user` at the beginning of `path` by the home directory, like a shell. Returns `path` unchanged
/// if it does not begin in this way, or if there is no such user.
std::string expand_home(const std::string& path);

}  // namespace cohort
