#include <signal.h>
#include <spawn.h>
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

}  // namespace

Samples spawn_and_answer(int count) {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "floor_worker";
  std::array<char, message_bytes> message{};
  TcpListener listener;
  Workers workers;
  std::string name = "floor_worker", port = std::to_string(listener.port);
  char* arguments[] = {name.data(), port.data(), nullptr};

  const auto start = Samples::Clock::now();
  for (int i = 0; i < count; ++i) {
    pid_t process;
    errno = posix_spawn(&process, program.c_str(), nullptr, nullptr, arguments, environ);
    if (errno != 0) fail("posix_spawn of " + program);
    workers.processes.push_back(process);
  }
  for (int i = 0; i < count; ++i) {
    workers.connections.push_back(listener.accept());
    write_all(workers.connections.back(), message.data(), message.size());
  }
  for (const int connection : workers.connections) read_all(connection, message.data(), message.size());
  Samples samples;
  samples.add(Samples::Clock::now() - start);
  workers.answered = true;
  return samples;
}

}  // namespace floors
