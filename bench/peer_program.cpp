#include "peer_program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "floors/sockets.hpp"

namespace {

struct Pipe {
  Pipe() {
    if (pipe2(ends, O_CLOEXEC) != 0) floors::fail("pipe");
  }
  int ends[2];
};

}  // namespace

PeerProgram::PeerProgram(const std::vector<std::string>& command) {
  Pipe input, output;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input.ends[0], 0);
  posix_spawn_file_actions_adddup2(&actions, output.ends[1], 1);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  std::vector<char*> arguments;
  for (const auto& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const int status = posix_spawnp(&process_, arguments[0], &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  close(input.ends[0]);
  close(output.ends[1]);
  input_ = input.ends[1];
  output_ = output.ends[0];
  if (status != 0) {
    close(input_);
    close(output_);
    throw std::runtime_error("there is no " + command[0]);
  }
  try {
    std::istringstream line(read_line());
    std::string word;
    line >> word;
    if (word != "ready") throw std::runtime_error(line.str());
    while (line >> word) rows_.push_back(word);
  } catch (...) {
    end();
    throw;
  }
}

PeerProgram::~PeerProgram() { end(); }

void PeerProgram::end() {
  close(input_);
  close(output_);
  const auto deadline = Samples::Clock::now() + std::chrono::seconds(10);
  while (!has_ended() && Samples::Clock::now() < deadline) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  kill(-process_, SIGKILL);
  waitpid(process_, nullptr, 0);
}

// It is reaped only after the group was killed, so that the number of the group is not somebody else's by then.
bool PeerProgram::has_ended() const {
  siginfo_t info{};
  return waitid(P_PID, static_cast<id_t>(process_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
}

bool PeerProgram::has(const std::string& row) const {
  return std::find(rows_.begin(), rows_.end(), row) != rows_.end();
}

Samples PeerProgram::ask(const std::string& row, int count) {
  const std::string line = row + ' ' + std::to_string(count) + '\n';
  if (write(input_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    floors::fail("write to the program");
  std::istringstream answer(read_line());
  Samples samples(count);
  for (double time = 0; answer >> time;) samples.add(time);
  return samples;
}

std::string PeerProgram::read_line() {
  for (std::size_t end; (end = read_.find('\n')) == std::string::npos;) {
    pollfd readable{output_, POLLIN, 0};
    char buffer[65536];
    if (poll(&readable, 1, 120'000) <= 0) throw std::runtime_error("it does not answer");
    const ssize_t size = read(output_, buffer, sizeof buffer);
    if (size <= 0) throw std::runtime_error("it has ended");
    read_.append(buffer, static_cast<std::size_t>(size));
  }
  const std::string line = read_.substr(0, read_.find('\n'));
  read_.erase(0, line.size() + 1);
  return line;
}
