#include "processes.hpp"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <system_error>

namespace cohort::contract {
namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::size_t entries(const fs::path& directory) {
  const auto all = fs::directory_iterator(directory);
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

std::string namespace_id() {
  std::string boot = text_of("/proc/sys/kernel/random/boot_id");
  std::erase(boot, '\n');
  std::error_code ignored;
  return boot + '/' + fs::read_symlink("/proc/self/ns/pid", ignored).string();
}

char state_of(int pid) {
  const std::string text = text_of("/proc/" + std::to_string(pid) + "/stat");
  const auto name_end = text.rfind(')');
  return name_end == text.npos || name_end + 2 >= text.size() ? '\0' : text[name_end + 2];
}

bool is_running(int pid) {
  const char state = state_of(pid);
  return state != '\0' && state != 'Z';
}

std::vector<int> children() {
  std::vector<int> pids;
  std::error_code error;
  for (fs::directory_iterator thread("/proc/self/task", error), end; !error && thread != end; thread.increment(error)) {
    std::istringstream list(text_of(thread->path() / "children"));
    for (int pid; list >> pid;) pids.push_back(pid);
  }
  return pids;
}

std::string describe(const std::vector<int>& pids) {
  std::string text;
  for (const int pid : pids) {
    std::string command = text_of("/proc/" + std::to_string(pid) + "/cmdline");
    std::replace(command.begin(), command.end(), '\0', ' ');
    text += (text.empty() ? "" : "; ") + std::to_string(pid) + " " + command;
  }
  return text;
}

}  // namespace cohort::contract
