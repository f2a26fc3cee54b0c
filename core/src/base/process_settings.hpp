#pragma once

#include <sys/resource.h>

#include <optional>

namespace cohort {

/// Opens those of the descriptors 0, 1 and 2 that are closed, as files that can be neither read nor written, and that
/// are closed again when a program is executed. So no socket gets one of these numbers, into which somebody would
/// print.
void occupy_standard_descriptors();

/// The descriptor never blocks, and programs that are executed do not inherit it.
void make_nonblocking_cloexec(int descriptor);

/// Ignores a signal that would end this process; a choice of the program itself stays. It is done by an empty handler,
/// because programs that are executed inherit an ignored signal, but no handler.
void survive_signal(int number);

/// Makes the changes of a Session to its process, once; session.hpp describes them for users:
/// descriptors 0 to 2 are occupied; the limit of descriptors is raised to the hard one; SIGPIPE ends no process;
/// SIGCHLD is not ignored; with an unlimited stack new threads have `stack_where_unlimited`; children of fork() are
/// marked.
void prepare_process();

/// Returns the limit of descriptors for a program that is started: the one with which this process was started, unless
/// this program has changed the limit itself since. nullopt: the present limit is right. May be called from any thread.
std::optional<rlimit> descriptor_limit_for_programs();

/// The limit of descriptors is raised at most to this, because some programs close all possible descriptors.
inline constexpr rlim_t most_descriptors = 1 << 20;

/// glibc gives a thread 2 MiB where `ulimit -s` says unlimited, which is less than with the usual limit of 8 MiB.
inline constexpr std::size_t stack_where_unlimited = 64 << 20;

}  // namespace cohort
