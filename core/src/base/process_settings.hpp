#pragma once

#include <sys/resource.h>

#include <optional>

namespace cohort {

/// Descriptors 0, 1 and 2 where they are closed become files that can be neither read nor written, and that a program
/// that is executed finds closed again. So none of these numbers is given to a socket, into which somebody would print.
void occupy_standard_descriptors();

/// The descriptor never blocks, and programs that are executed do not inherit it.
void make_nonblocking_cloexec(int descriptor);

/// A signal that would end this process does nothing from now on; what the program chose for it stays. By a handler:
/// programs that are executed inherit an ignored signal, but no handler.
void survive_signal(int number);

/// What a Session changes in its process, once; session.hpp says it to users:
/// descriptors 0 to 2 are occupied; the limit of descriptors rises to the hard one; SIGPIPE ends nobody, SIGCHLD is not
/// ignored; with an unlimited stack new threads have `stack_where_unlimited`; the children of fork() are known.
void prepare_process();

/// The limit of descriptors to give to a program that is started: what this process was given, unless the program
/// changed the limit by itself since. nullopt: it is right as it is. Any thread.
std::optional<rlimit> descriptor_limit_for_programs();

/// The limit of descriptors is raised no further than this: programs exist that close all that there may be.
inline constexpr rlim_t most_descriptors = 1 << 20;

/// glibc gives a thread 2 MiB where `ulimit -s` says unlimited, which is less than with the usual limit of 8 MiB.
inline constexpr std::size_t stack_where_unlimited = 64 << 20;

}  // namespace cohort
