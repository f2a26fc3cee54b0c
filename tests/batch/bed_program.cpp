#include "bed_program.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <stdexcept>

namespace cohort::test {

BedProgram::BedProgram(std::string program, std::vector<std::string> arguments) {
  int input[2], output[2];
  if (::pipe2(input, O_CLOEXEC) < 0 || ::pipe2(output, O_CLOEXEC) < 0) throw std::runtime_error("pipe");
  const FileDescriptor its_input(input[0]), answers(output[0]);
  FileDescriptor its_output(output[1]);
  input_.reset(input[1]);
  std::vector<char*> words{program.data()};
  for (auto& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, its_input.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, its_output.get(), STDOUT_FILENO);
  const int error = posix_spawn(&pid_, words[0], &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error(program + ": " + std::strerror(error));
  its_output.reset();
  for (char next = 0; ::read(answers.get(), &next, 1) == 1 && next != '\n';) line_.push_back(next);
}

BedProgram::~BedProgram() {
  input_.reset();
  if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
}

}  // namespace cohort::test
