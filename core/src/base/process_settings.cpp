#include "base/process_settings.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>

#include "base/forked_child.hpp"

namespace cohort {
namespace {

// Written once, before there are threads of ours.
rlimit given_descriptors{};
rlim_t raised_to = 0;  // 0: they were not

void raise_descriptor_limit() {
  if (::getrlimit(RLIMIT_NOFILE, &given_descriptors) != 0) return;
  rlimit raised = given_descriptors;
  raised.rlim_cur = std::min(raised.rlim_max, most_descriptors);
  if (raised.rlim_cur > given_descriptors.rlim_cur && ::setrlimit(RLIMIT_NOFILE, &raised) == 0)
    raised_to = raised.rlim_cur;
}

// System calls only: also in a forked child.
void lower_descriptor_limit_again() {
  if (const auto limit = descriptor_limit_for_programs()) ::setrlimit(RLIMIT_NOFILE, &*limit);
}

// Where it is ignored the system keeps nobody's exit status.
void keep_exit_statuses() {
  struct sigaction now {};
  if (::sigaction(SIGCHLD, nullptr, &now) == 0 && now.sa_handler == SIG_IGN) ::signal(SIGCHLD, SIG_DFL);
}

void enlarge_stacks() {
  rlimit stack{}, memory{};
  ::getrlimit(RLIMIT_STACK, &stack);
  ::getrlimit(RLIMIT_AS, &memory);
  if (stack.rlim_cur != RLIM_INFINITY || memory.rlim_cur != RLIM_INFINITY) return;
  pthread_attr_t attributes;
  if (::pthread_getattr_default_np(&attributes) != 0) return;
  std::size_t size = 0;
  ::pthread_attr_getstacksize(&attributes, &size);
  if (size < stack_where_unlimited && ::pthread_attr_setstacksize(&attributes, stack_where_unlimited) == 0)
    ::pthread_setattr_default_np(&attributes);
  ::pthread_attr_destroy(&attributes);
}

}  // namespace

void occupy_standard_descriptors() {
  for (int number = STDIN_FILENO; number <= STDERR_FILENO; ++number) {
    if (::fcntl(number, F_GETFD) >= 0) continue;
    // The lowest free number, which is this one. The mode is the one that is of no use there.
    [[maybe_unused]] const int occupied =
        ::open("/dev/null", (number == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
  }
}

void make_nonblocking_cloexec(int descriptor) {
  const int flags = ::fcntl(descriptor, F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) == 0) ::fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
  ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

void survive_signal(int number) {
  struct sigaction now {};
  if (::sigaction(number, nullptr, &now) != 0 || now.sa_handler != SIG_DFL) return;
  struct sigaction action {};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_RESTART;
  ::sigaction(number, &action, nullptr);
}

void prepare_process() {
  static std::once_flag once;
  std::call_once(once, [] {
    occupy_standard_descriptors();
    raise_descriptor_limit();
    survive_signal(SIGPIPE);
    keep_exit_statuses();
    enlarge_stacks();
    watch_forks(lower_descriptor_limit_again);
  });
}

std::optional<rlimit> descriptor_limit_for_programs() {
  rlimit now{};
  if (raised_to == 0 || ::getrlimit(RLIMIT_NOFILE, &now) != 0 || now.rlim_cur != raised_to) return std::nullopt;
  now.rlim_cur = given_descriptors.rlim_cur;
  return now;
}

}  // namespace cohort
