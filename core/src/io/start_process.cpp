#include "io/start_process.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include <cohort/file_descriptor.hpp>

namespace cohort {
namespace {

// --- In the child: it shares the memory of this process until it executes the program, and this process has other
// threads. So: system calls only. Each returns false with errno set.

void default_signals() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) ::sigaction(number, &action, nullptr);
}

void close_range_from(int first, int last) {
  if (first > last || ::close_range(static_cast<unsigned>(first), static_cast<unsigned>(last), 0) == 0) return;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  for (int descriptor = first; descriptor < last && descriptor < static_cast<int>(limit.rlim_cur); ++descriptor)
    ::close(descriptor);
}

bool place_descriptors(const ProcessImage& image, int report) {
  for (int i = 0; i < 3; ++i) {
    if (image.standard[i] >= 0 && ::dup2(image.standard[i], i) < 0) return false;
  }
  if (image.standard[STDIN_FILENO] < 0) {
    const int nothing = ::open("/dev/null", O_RDONLY);
    if (nothing < 0) return false;
    if (nothing != STDIN_FILENO && (::dup2(nothing, STDIN_FILENO) < 0 || ::close(nothing) < 0)) return false;
  }
  close_range_from(STDERR_FILENO + 1, report - 1);
  close_range_from(report + 1, INT32_MAX);
  return true;
}

bool bind_to_parent(pid_t parent) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) return false;
  if (::getppid() != parent) ::_exit(127);  // it died before that
  return true;
}

void become(const ProcessImage& image, pid_t parent, int report, const sigset_t& no_signals) {
  default_signals();
  if (image.new_session && ::setsid() < 0) return;
  if (!place_descriptors(image, report)) return;
  if (image.dir != nullptr && ::chdir(image.dir) < 0) return;
  if (image.die_with_parent && !bind_to_parent(parent)) return;
  if (image.descriptor_limit != nullptr && ::setrlimit(RLIMIT_NOFILE, image.descriptor_limit) < 0) return;
  ::sigprocmask(SIG_SETMASK, &no_signals, nullptr);
  ::execvpe(image.program, image.arguments, image.environment);
}

// Its own function, as vfork() must not return into a frame that is changed meanwhile.
[[gnu::noinline]] pid_t start(const ProcessImage& image, int report, const sigset_t& no_signals) {
  const pid_t parent = ::getpid();
  const pid_t pid = ::vfork();
  if (pid != 0) return pid;
  become(image, parent, report, no_signals);
  const int error = errno;
  [[maybe_unused]] const ssize_t written = ::write(report, &error, sizeof error);
  ::_exit(127);
}

}  // namespace

int start_process(const ProcessImage& image, pid_t& pid) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return errno;
  const FileDescriptor reports(ends[0]);
  FileDescriptor report(ends[1]);
  if (report.get() <= STDERR_FILENO) report.reset(::fcntl(report.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  if (!report) return errno;

  // No handler of this process may run in the child.
  sigset_t all, before, none;
  sigfillset(&all);
  sigemptyset(&none);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  pid = start(image, report.get(), none);
  int error = pid < 0 ? errno : 0;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (error != 0) return error;

  report.reset();
  ssize_t count;
  do {
    count = ::read(reports.get(), &error, sizeof error);
  } while (count < 0 && errno == EINTR);
  if (count != sizeof error) return 0;  // the end: the program was executed
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return error;
}

}  // namespace cohort
