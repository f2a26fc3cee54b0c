#include "replace_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <system_error>

#include "exit_code.hpp"
#include "text.hpp"

namespace cohort::cli {
namespace {

// Programs are looked for in PATH alone, where the working directory seldom is.
std::string hint(const std::string& program, int error) {
  const bool is_here = error == ENOENT && program.find('/') == program.npos && access(program.c_str(), F_OK) == 0;
  return is_here ? " in PATH; there is one in this directory: ./" + program : "";
}

}  // namespace

int replace_process(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  // Those that were closed are occupied (occupy_standard_descriptors), and stay so in the program: no file that it
  // opens gets one of these numbers.
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) fcntl(descriptor, F_SETFD, 0);
  execvp(arguments[0], arguments.data());
  const int error = errno;
  print_message("cannot run " + shell_quote(command[0]) + ": " + std::generic_category().message(error) +
                hint(command[0], error));
  return error == ENOENT || error == ENOTDIR ? not_found : not_executable;
}

namespace {

void close_all_but(const std::set<int>& kept) {
  unsigned first = 0;
  for (const int descriptor : kept) {
    const auto number = static_cast<unsigned>(descriptor);
    if (number > first) syscall(SYS_close_range, first, number - 1, 0);
    first = number + 1;
  }
  syscall(SYS_close_range, first, ~0U, 0);
}

[[noreturn]] void watch(int program_end, int handover, off_t untouched, const std::string& message) {
  setsid();
  if (chdir("/") != 0) _exit(1);
  // A pipe that the program writes to would else not end with it.
  close_all_but({STDERR_FILENO, program_end, handover});
  pollfd ended{program_end, POLLIN, 0};
  while (poll(&ended, 1, -1) < 0 && errno == EINTR) {
  }
  if (lseek(handover, 0, SEEK_CUR) == untouched) print_message(message);
  _exit(0);
}

}  // namespace

void watch_handover(int handover, const std::string& message) {
  const off_t untouched = lseek(handover, 0, SEEK_CUR);
  const int self = static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0));
  if (self < 0) return;
  // Twice: the program must not find a child that it knows nothing of.
  const pid_t child = fork();
  if (child == 0) {
    if (fork() == 0) watch(self, handover, untouched, message);
    _exit(0);
  }
  if (child > 0) waitpid(child, nullptr, 0);
  close(self);
}

// To an offset that it cannot have had.
void forget_handover(int handover) { lseek(handover, lseek(handover, 0, SEEK_CUR) == 0 ? 1 : 0, SEEK_SET); }

}  // namespace cohort::cli
