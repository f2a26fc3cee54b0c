#pragma once

#include <cohort/detail/language.hpp>

#include <memory>

namespace cohort {

/// The first object of main(), and the only one of its kind. In a worker process its constructor serves the cluster and
/// never returns. In the master it takes the cluster that `cohort run` handed over, or that --cohort-* flags ask for,
/// starts it, and removes those flags from the arguments; its destructor removes all workers.
/// A cluster that cannot be started ends the program: a message on stderr, exit code 3 (cluster file), 4 (plugin), 20
/// (launch failed), or 1 (the system gives no thread, memory or descriptor).
///
/// What it changes in the process, for good, in master and workers:
/// - The soft limit of descriptors (`ulimit -n`) rises to the hard one, but not above 1048576. Children of fork() and
/// of
///   ChildProcess get the former limit back; those of system() and posix_spawn() inherit the raised one. select() takes
///   no descriptor above 1023.
/// - SIGPIPE does nothing if it had its default effect: writing to a closed pipe is EPIPE. Programs that are executed
///   have the default effect again. A handler of the program's own stays.
/// - SIGCHLD has its default effect if it was ignored: else nobody learns how a worker ended.
/// - Of the descriptors 0, 1 and 2, those that are closed are taken, so that no socket gets such a number. Reading and
///   writing them still fails, and programs that are executed find them closed.
/// - Where the stack is unlimited (`ulimit -s`), new threads have 64 MiB; glibc would give them 2 MiB.
/// - A worker takes SIGINT as interrupt(), if it had its default effect, unless it was started by hand to join.
/// The locale, the umask and the mask of signals stay as they are. A child of fork() has no part in the cluster: see
/// docs/calls.md.
class Session {
 public:
  /// @throws Error when there is a Session already, or in a child of fork() of a process that has one.
  Session(int& argc, char** argv);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
};

}  // namespace cohort
