#include "fake_scheduler.hpp"

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

FakeScheduler::FakeScheduler(const std::string& dialect, const std::vector<std::string>& options) {
  int input[2], output[2];
  if (::pipe2(input, O_CLOEXEC) < 0 || ::pipe2(output, O_CLOEXEC) < 0) throw std::runtime_error("pipe");
  const FileDescriptor its_input(input[0]), answers(output[0]);
  FileDescriptor its_output(output[1]);
  input_.reset(input[1]);
  std::vector<std::string> words{COHORT_TOOL, "fake-scheduler", "--dialect=" + dialect, "--kill-grace=300ms"};
  words.insert(words.end(), options.begin(), options.end());
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, its_input.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, its_output.get(), STDOUT_FILENO);
  const int error = posix_spawn(&pid_, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error(words[0] + ": " + std::strerror(error));
  its_output.reset();
  std::string line;
  for (char next = 0; ::read(answers.get(), &next, 1) == 1 && next != '\n';) line.push_back(next);
  // export PATH=DIRECTORY/bin:$PATH COHORT_FAKE_SCHEDULER=DIRECTORY
  directory_ = line.substr(line.rfind('=') + 1);
  if (!std::filesystem::exists(directory_ + "/bin")) throw std::runtime_error("no scheduler: " + line);
  old_path_ = std::getenv("PATH");
  ::setenv("PATH", (directory_ + "/bin:" + old_path_).c_str(), 1);
  ::setenv("COHORT_FAKE_SCHEDULER", directory_.c_str(), 1);
}

FakeScheduler::~FakeScheduler() {
  input_.reset();
  if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
  if (directory_.empty()) return;
  ::setenv("PATH", old_path_.c_str(), 1);
  ::unsetenv("COHORT_FAKE_SCHEDULER");
}

std::string FakeScheduler::control(const std::string& words) {
  const auto result = run_script("$cohort fake-scheduler control " + words);
  return result.out + result.err;
}

std::string FakeScheduler::processes() const {
  std::string found;
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", none)) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != name.npos) continue;
    const std::string mark = "COHORT_FAKE_SCHEDULER_PROCESS=" + directory_ + "/";
    if (text_of_file(entry.path() / "environ").find(mark) == std::string::npos) continue;
    found += text_of_file(entry.path() / "cmdline") + '\n';
  }
  return found;
}

}  // namespace cohort::test
