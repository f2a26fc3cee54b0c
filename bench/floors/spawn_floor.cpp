#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "floors.hpp"
#include "floors/sockets.hpp"

namespace floors {

namespace {

/// Connections and processes of one run; ends and reaps all of them however the run ends.
struct Workers {
  ~Workers() {
    for (const int connection : connections) close(connection);
    for (const pid_t process : processes) {
      if (!answered) kill(process, SIGKILL);
      waitpid(process, nullptr, 0);
    }
  }
  std::vector<int> connections;
  std::vector<pid_t> processes;
  bool answered = false;
};

void start(Workers& workers, const TcpListener& listener, int count) {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "floor_worker";
  std::string name = "floor_worker", port = std::to_string(listener.port);
  char* arguments[] = {name.data(), port.data(), nullptr};
  for (int i = 0; i < count; ++i) {
    pid_t process;
    errno = posix_spawn(&process, program.c_str(), nullptr, nullptr, arguments, environ);
    if (errno != 0) fail("posix_spawn of " + program);
    workers.processes.push_back(process);
  }
}

}  // namespace

Samples spawn_and_answer(int count) {
  std::array<char, message_bytes> message{};
  TcpListener listener;
  Workers workers;
  const auto began = Samples::Clock::now();
  start(workers, listener, count);
  for (int i = 0; i < count; ++i) {
    workers.connections.push_back(listener.accept());
    write_all(workers.connections.back(), message.data(), message.size());
  }
  for (const int connection : workers.connections) read_all(connection, message.data(), message.size());
  Samples samples;
  samples.add(Samples::Clock::now() - began);
  workers.answered = true;
  return samples;
}

Samples kill_and_notice(int count) {
  Samples samples(count);
  for (int i = 0; i < count; ++i) {
    std::array<char, message_bytes> message{};
    TcpListener listener;
    Workers workers;
    start(workers, listener, 1);
    const int connection = workers.connections.emplace_back(listener.accept());
    write_all(connection, message.data(), message.size());
    read_all(connection, message.data(), message.size());
    const auto killed = Samples::Clock::now();
    kill(workers.processes.front(), SIGKILL);
    recv(connection, message.data(), message.size(), 0);
    samples.add(Samples::Clock::now() - killed);
  }
  return samples;
}

}  // namespace floors
