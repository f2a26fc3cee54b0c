#include "node/dial_command.hpp"

#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include <cohort/error.hpp>
#include <cohort/file_descriptor.hpp>

namespace cohort {

// It is not waited for: this process ends when the connection does.
IoPair connect_by_command(const std::string& command) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw Error("no socket for the tunnel: " + std::generic_category().message(errno));
  FileDescriptor ours(ends[0]);
  const FileDescriptor theirs(ends[1]);
  std::string script = "trap '' INT TERM HUP USR1 USR2\nexec " + command;
  char shell[] = "/bin/sh", flag[] = "-c";
  char* words[] = {shell, flag, script.data(), nullptr};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), STDOUT_FILENO);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, shell, &actions, nullptr, words, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw Error("cannot start the tunnel '" + command + "': " + std::generic_category().message(error));
  return make_socket_pair(ours.release());
}

}  // namespace cohort
