#pragma once

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <cohort/error.hpp>
#include <cohort/file_descriptor.hpp>
#include <cohort/types.hpp>

namespace cohort::test {

/// A program at a terminal of its own, where this process is the person who reads and types.
class Terminal {
 public:
  explicit Terminal(const std::vector<std::string>& command) {
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    int screen = -1;
    pid_ = ::forkpty(&screen, nullptr, nullptr, nullptr);
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::execv(words[0], words.data());
      ::_exit(127);
    }
    if (pid_ < 0) throw std::runtime_error("no pseudo terminal");
    screen_.reset(screen);
  }
  ~Terminal() {
    if (pid_ < 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Terminal(const Terminal&) = delete;

  void type(const std::string& keys) {
    if (::write(screen_.get(), keys.data(), keys.size()) != static_cast<ssize_t>(keys.size()))
      throw std::runtime_error("the terminal does not take what is typed");
  }
  /// Reads until the text has been shown so often. @return false: not by then.
  bool wait_for(const std::string& text, int times, Clock::time_point deadline) {
    while (count(text) < times)
      if (!read_some(deadline)) return false;
    return true;
  }
  /// Reads until the program has ended. @return its exit code; nullopt: not by then, or by a signal.
  std::optional<int> wait_for_end(Clock::time_point deadline) {
    while (read_some(deadline)) {
    }
    if (Clock::now() >= deadline) return std::nullopt;
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? std::optional(WEXITSTATUS(status)) : std::nullopt;
  }
  /// All that was shown.
  const std::string& shown() const { return shown_; }
  bool shows_what_is_typed() const {
    termios settings{};
    ::tcgetattr(screen_.get(), &settings);
    return (settings.c_lflag & ECHO) != 0;
  }

 private:
  // False: nobody is there any more to show something, or not by then.
  bool read_some(Clock::time_point deadline) {
    pollfd polled{screen_.get(), POLLIN, 0};
    while (::poll(&polled, 1, poll_timeout(deadline)) <= 0)
      if (Clock::now() >= deadline) return false;
    char buffer[4096];
    const ssize_t n = ::read(screen_.get(), buffer, sizeof buffer);
    if (n > 0) shown_.append(buffer, static_cast<std::size_t>(n));
    return n > 0;
  }
  int count(const std::string& text) const {
    int found = 0;
    for (auto at = shown_.find(text); at != shown_.npos; at = shown_.find(text, at + 1)) ++found;
    return found;
  }

  pid_t pid_ = -1;
  FileDescriptor screen_;
  std::string shown_;
};

}  // namespace cohort::test
