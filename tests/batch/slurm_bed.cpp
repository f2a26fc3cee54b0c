#include "slurm_bed.hpp"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>

#include "../cli/tool.hpp"
#include "test_programs.hpp"

namespace cohort::test {

SlurmBed::SlurmBed() {
  int input[2], output[2];
  if (::pipe2(input, O_CLOEXEC) < 0 || ::pipe2(output, O_CLOEXEC) < 0) throw std::runtime_error("pipe");
  const FileDescriptor its_input(input[0]), answers(output[0]);
  FileDescriptor its_output(output[1]);
  input_.reset(input[1]);
  std::string program = COHORT_TESTBED "/slurm";
  char* words[] = {program.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, its_input.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, its_output.get(), STDOUT_FILENO);
  const int error = posix_spawn(&pid_, words[0], &actions, nullptr, words, environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error(program + ": " + std::strerror(error));
  its_output.reset();
  std::string line;
  for (char next = 0; ::read(answers.get(), &next, 1) == 1 && next != '\n';) line.push_back(next);
  if (line.empty()) return;
  directory_ = std::filesystem::path(line).parent_path();
  ::setenv("SLURM_CONF", line.c_str(), 1);
}

SlurmBed::~SlurmBed() {
  input_.reset();
  if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
  ::unsetenv("SLURM_CONF");
}

std::string SlurmBed::queue() { return run_script("squeue --noheader --format='%i %j %T'").out; }

}  // namespace cohort::test
