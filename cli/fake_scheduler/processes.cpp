#include "processes.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "text.hpp"

namespace cohort::fake_scheduler {
namespace {

std::string read_file(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 16384> buffer;
  for (ssize_t n; file && (n = ::read(file.get(), buffer.data(), buffer.size())) > 0;)
    text.append(buffer.data(), static_cast<std::size_t>(n));
  return text;
}

// What the variable of that name has; empty: it is not there.
std::string_view value_of(std::string_view environment, std::string_view name) {
  for (const std::string_view entry : split(environment, '\0'))
    if (entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name))
      return entry.substr(name.size() + 1);
  return {};
}

bool is_zombie(const std::string& directory) {
  const std::string text = read_file(directory + "/stat");
  const auto end_of_name = text.rfind(')');
  return end_of_name == text.npos || end_of_name + 2 >= text.size() || text[end_of_name + 2] == 'Z';
}

}  // namespace

pid_t start_process(const ProcessSpec& spec) {
  std::vector<char*> words, environment;
  for (const auto& word : spec.command) words.push_back(const_cast<char*>(word.c_str()));
  for (const auto& entry : spec.environment) environment.push_back(const_cast<char*>(entry.c_str()));
  words.push_back(nullptr);
  environment.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const std::array<int, 3> descriptors{spec.input, spec.output, spec.error};
  for (int i = 0; i < 3; i++) {
    if (const int from = descriptors[static_cast<std::size_t>(i)]; from >= 0)
      posix_spawn_file_actions_adddup2(&actions, from, i);
    else
      posix_spawn_file_actions_addopen(&actions, i, "/dev/null", O_RDWR, 0);
  }
  if (!spec.dir.empty()) posix_spawn_file_actions_addchdir_np(&actions, spec.dir.c_str());
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  const mode_t own = ::umask(spec.umask);
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, words[0], &actions, &attributes, words.data(), environment.data());
  ::umask(own);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error == 0 ? pid : -error;
}

std::vector<MarkedProcess> find_processes(const std::string& mark_prefix) {
  std::vector<MarkedProcess> found;
  DIR* directory = ::opendir("/proc");
  if (directory == nullptr) return found;
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  while (const dirent* entry = ::readdir(directory)) {
    const auto pid = number(entry->d_name);
    if (!pid || *pid == ::getpid()) continue;
    const std::string process = std::string("/proc/") + entry->d_name;
    const std::string environment = read_file(process + "/environ");
    const auto mark = value_of(environment, mark_variable);
    if (mark.empty() || !mark.starts_with(mark_prefix) || is_zombie(process)) continue;
    const auto sizes = read_file(process + "/statm");
    const auto fields = split(sizes, ' ');
    const auto resident = fields.size() > 1 ? number(fields[1]).value_or(0) : 0;
    found.push_back({static_cast<pid_t>(*pid), std::string(mark), static_cast<std::uint64_t>(resident) * page});
  }
  ::closedir(directory);
  return found;
}

}  // namespace cohort::fake_scheduler
