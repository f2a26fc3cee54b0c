#pragma once

#include <cohort/detail/language.hpp>

#include <memory>

namespace COHORT_EXPORT cohort {

struct SessionOptions {
  /// If srun or mpiexec has started this program as several processes, they become one cluster: the one of rank 0 is
  /// the master, and the others are its workers. Started in any other way, the program is a master as usual. The same
  /// as `cohort run --launched` and the flag --cohort-launched, which insist on it. See docs/mpi.md.
  bool launched = false;
};

/// Create it first in main(), and only once. In a worker process its constructor serves the cluster and never returns.
/// In the master it starts the cluster that `cohort run` passed to the program, or that --cohort-* flags describe, and
/// removes those flags from the arguments; its destructor removes all workers.
/// If the cluster cannot be started, the program ends with a message on stderr and exit code 3 (cluster file), 4
/// (plugin), 20 (launch failed), or 1 (the system has no thread, memory or descriptor left).
///
/// It changes the process permanently, in master and workers:
/// - The soft limit of descriptors (`ulimit -n`) is raised to the hard limit, but not above 1048576. Children of
///   fork() and of ChildProcess get the old limit back; those of system() and posix_spawn() inherit the new one.
///   select() accepts no descriptor above 1023.
/// - SIGPIPE is ignored if it had its default action: writing to a closed pipe fails with EPIPE. Programs that are
///   executed have the default action again. A handler of the program's own stays.
/// - SIGCHLD gets its default action if it was ignored: otherwise nobody could learn how a worker ended.
/// - Closed descriptors among 0, 1 and 2 are reserved, so that no socket gets such a number. Reading and writing them
///   still fails, and programs that are executed find them closed.
/// - If the stack is unlimited (`ulimit -s`), new threads have 64 MiB; glibc would give them 2 MiB.
/// - A worker treats SIGINT as interrupt() if it had its default action, unless the worker was started by hand to join.
/// The locale, the umask and the signal mask do not change. A child of fork() is not part of the cluster: see
/// docs/calls.md.
class Session {
 public:
  /// @throws Error if there already is a Session, or in a child of fork() of a process that has one.
  Session(int& argc, char** argv, SessionOptions options = {});
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
};

}  // namespace cohort
