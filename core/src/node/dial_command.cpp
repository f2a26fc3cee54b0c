#include "node/dial_command.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include <cohort/error.hpp>
#include <cohort/file_descriptor.hpp>

#include "base/process_settings.hpp"
#include "io/start_process.hpp"

namespace cohort {

// Nobody waits for it: this process ends soon after the connection. Nor is it killed then: what was sent last may still
// be on its way.
IoPair connect_by_command(const std::string& command) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw Error("no socket for the tunnel: " + std::generic_category().message(errno));
  FileDescriptor ours(ends[0]);
  const FileDescriptor low(ends[1]), theirs(::fcntl(ends[1], F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  std::string script = "trap '' INT TERM HUP USR1 USR2\nexec " + command;
  char shell[] = "/bin/sh", flag[] = "-c";
  char* words[] = {shell, flag, script.data(), nullptr};
  const auto descriptor_limit = descriptor_limit_for_programs();
  const ProcessImage image = {.program = shell,
                              .arguments = words,
                              .environment = environ,
                              .dir = nullptr,
                              .standard = {theirs.get(), theirs.get(), -1},
                              .new_session = true,
                              .die_with_parent = false,
                              .descriptor_limit = descriptor_limit ? &*descriptor_limit : nullptr};
  pid_t pid = -1;
  if (const int error = start_process(image, pid); error != 0)
    throw Error("cannot start the tunnel '" + command + "': " + std::generic_category().message(error));
  return make_socket_pair(ours.release());
}

}  // namespace cohort
