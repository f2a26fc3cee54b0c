#include "handover_watch.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "exit_code.hpp"

namespace cohort::cli {
namespace {

bool was_taken(int handover) { return lseek(handover, 0, SEEK_CUR) == 0; }

[[noreturn]] void watch(int program_end, int handover, const std::string& program) {
  setsid();
  if (chdir("/") != 0) _exit(1);
  // A pipe on standard output would else not end with the program.
  constexpr int first = 3;
  for (const int kept : {STDIN_FILENO, STDOUT_FILENO}) close(kept);
  const int low = dup2(program_end, first), high = dup2(handover, first + 1);
  syscall(SYS_close_range, first + 2, ~0U, 0);
  pollfd ended{low, POLLIN, 0};
  while (poll(&ended, 1, -1) < 0 && errno == EINTR) {
  }
  if (!was_taken(high))
    print_message("no workers were started: '" + program +
                  "' ended, and nothing in it made a cohort::Session, which takes the cluster of 'cohort run'. To run "
                  "it on every worker: cohort exec");
  _exit(0);
}

}  // namespace

void watch_handover(int handover, const std::string& program) {
  const int self = static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0));
  if (self < 0) return;
  // Twice: the program must not find a child that it knows nothing of.
  const pid_t child = fork();
  if (child == 0) {
    if (fork() == 0) watch(self, handover, program);
    _exit(0);
  }
  if (child > 0) waitpid(child, nullptr, 0);
  close(self);
}

void forget_handover(int handover) { lseek(handover, 0, SEEK_SET); }

}  // namespace cohort::cli
