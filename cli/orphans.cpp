#include "orphans.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include <cohort/file_descriptor.hpp>

namespace cohort::cli {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
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

std::string command_line(int pid) {
  std::string text = text_of("/proc/" + std::to_string(pid) + "/cmdline");
  while (text.ends_with('\0')) text.pop_back();
  std::replace(text.begin(), text.end(), '\0', ' ');
  return "process " + std::to_string(pid) + ": " + text;
}

bool ends_by(int pid, Clock::time_point deadline) {
  const FileDescriptor process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  pollfd ended{process.get(), POLLIN, 0};
  return !process || poll(&ended, 1, poll_timeout(deadline)) > 0;
}

}  // namespace

Orphans::Orphans() { prctl(PR_SET_CHILD_SUBREAPER, 1); }
Orphans::~Orphans() { prctl(PR_SET_CHILD_SUBREAPER, 0); }

std::vector<std::string> Orphans::end(Duration grace) {
  std::vector<std::string> killed;
  const auto deadline = deadline_after(grace);
  // A child that ends may leave further ones.
  for (auto pids = children(); !pids.empty(); pids = children()) {
    for (const int pid : pids) {
      if (!ends_by(pid, deadline)) {
        killed.push_back(command_line(pid));
        kill(pid, SIGKILL);
      }
      waitpid(pid, nullptr, 0);
    }
  }
  return killed;
}

}  // namespace cohort::cli
