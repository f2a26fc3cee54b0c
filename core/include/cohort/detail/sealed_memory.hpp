#pragma once

#include <cstddef>
#include <string>

#include <cohort/file_descriptor.hpp>

// Memory that processes of one host share: rings of the transports, and SharedArrays. Not for programs.

namespace COHORT_EXPORT cohort {
namespace detail {

/// Makes a memory of zeros as a file without a name, close-on-exec, whose size nobody can change: who maps it can touch
/// all of it. @param reserved its pages are allocated at once, otherwise when they are first touched.
/// @return empty if that is not possible; `errno` says why. Also where the limit of file sizes (`ulimit -f`) is lower.
FileDescriptor make_sealed_memory(const char* name, std::size_t bytes, bool reserved);

/// Checks a descriptor that another process gave: that it is such a memory, of exactly this size. Otherwise the other
/// process could make it shorter, and who touches what is gone gets SIGBUS. @return "", or what is wrong.
std::string wrong_sealed_memory(int descriptor, std::size_t bytes);

}  // namespace detail
}  // namespace cohort
