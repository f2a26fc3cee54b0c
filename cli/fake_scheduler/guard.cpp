#include "guard.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "processes.hpp"

namespace cohort::fake_scheduler {
namespace {

constexpr int most_looks = 200, pause_in_ms = 20;

[[noreturn]] void watch(int pipe, const std::string& directory) {
  ::setsid();
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::signal(number, SIG_IGN);
  const int nothing = ::open("/dev/null", O_RDWR);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(nothing, standard);
  ::dup2(pipe, 3);
  ::close_range(4, ~0u, 0);
  for (char ignored = 0;;)
    if (const ssize_t n = ::read(3, &ignored, 1); n == 0 || (n < 0 && errno != EINTR)) break;
  for (int i = 0; i < most_looks; i++) {
    const auto left = find_processes(directory + "/");
    if (left.empty()) break;
    for (const auto& process : left) ::kill(process.pid, SIGKILL);
    ::poll(nullptr, 0, pause_in_ms);  // the kernel says of no foreign process when it has gone
  }
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
  ::_exit(0);
}

}  // namespace

Guard::Guard(const std::string& directory) {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) < 0) return;
  watched_.reset(ends[1]);
  const FileDescriptor reading(ends[0]);
  pid_ = ::fork();
  if (pid_ != 0) return;
  ::close(watched_.release());
  watch(reading.get(), directory);
}

Guard::~Guard() {
  watched_.reset();
  if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
}

}  // namespace cohort::fake_scheduler
