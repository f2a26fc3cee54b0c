#include "become.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "command_line.hpp"
#include "exit_code.hpp"

namespace cohort::cli {

namespace {

// Programs are looked for in PATH alone, where the working directory seldom is.
std::string hint(const std::string& program, int error) {
  const bool is_here = error == ENOENT && program.find('/') == program.npos && access(program.c_str(), F_OK) == 0;
  return is_here ? " in PATH; there is one in this directory: ./" + program : "";
}

}  // namespace

int become(const std::vector<std::string>& command) {
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

}  // namespace cohort::cli
