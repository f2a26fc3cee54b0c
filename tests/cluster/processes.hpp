#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "../../contract/include/cohort/contract/eventually.hpp"

namespace cohort::test {

/// What could be read of it: a file of /proc ends with its process.
inline std::string text_of_file(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

struct ProcessState {
  char state = 0;  ///< 'R', 'S', 'Z' ...; 0: there is no such process
  int parent = 0;
};

inline ProcessState state_of(int pid) {
  const std::string text = text_of_file("/proc/" + std::to_string(pid) + "/stat");
  ProcessState found;
  if (const auto name_end = text.rfind(')'); name_end != text.npos && text.size() > name_end + 4) {
    found.state = text[name_end + 2];
    found.parent = std::stoi(text.substr(name_end + 4));
  }
  return found;
}

/// A process that ended but was not reaped by whoever has to does not run.
inline bool is_running(int pid) {
  const char state = state_of(pid).state;
  return state != 0 && state != 'Z';
}

/// Stops a process, and waits until each of its threads has stopped: the signal alone lets some of them run on for a
/// while on a busy machine. @return whether it is stopped.
inline bool stop_process(int pid) {
  if (::kill(pid, SIGSTOP) != 0) return false;
  return contract::eventually([pid] {
    std::error_code ignored;
    for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task", ignored)) {
      const std::string text = text_of_file(task.path() / "stat");
      const auto name_end = text.rfind(')');
      if (name_end == text.npos || text.size() < name_end + 3 || text[name_end + 2] != 'T') return false;
    }
    return !ignored;
  });
}

/// A child of this process that serves all of its tests, see main.cpp; 0: there is none.
inline int servant = 0;

/// Of this process, zombies included, but for the servant.
inline std::vector<int> children() {
  std::vector<int> pids;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename();
    int pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error == std::errc() && end == name.data() + name.size() && pid != servant &&
        state_of(pid).parent == getpid()) {
      pids.push_back(pid);
    }
  }
  return pids;
}

/// A directory of its own for a test, removed at the end. It has some of the name of the test, for one that is left
/// behind; not all of it, because the names of Unix sockets in it are short.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    const auto* const test = testing::UnitTest::GetInstance()->current_test_info();
    const std::string name = std::filesystem::path(test == nullptr ? "" : test->name()).filename();
    std::string pattern = (std::filesystem::temp_directory_path() / ("co." + name.substr(0, 11) + ".XXXXXX")).string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::system_error(errno, std::generic_category(), pattern);
    directory_ = pattern;
  }
  ~TemporaryDirectory() {
    std::error_code error;
    do {
      std::filesystem::remove_all(directory_, error);
    } while (error == std::errc::no_such_file_or_directory);  // another thread or process removed what is its own
    EXPECT_FALSE(error) << directory_ << ": " << error.message() << "; does something still write there?";
  }

  std::string path(const std::string& name) const { return (directory_ / name).string(); }
  /// A program for /bin/sh. @return its path.
  std::string script(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << "#!/bin/sh\n" << text << '\n';
    std::filesystem::permissions(path(name), std::filesystem::perms::owner_all);
    return path(name);
  }

 private:
  std::filesystem::path directory_;
};

inline std::string this_program() { return std::filesystem::read_symlink("/proc/self/exe"); }

}  // namespace cohort::test
