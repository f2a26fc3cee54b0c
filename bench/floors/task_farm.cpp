#include "floors/task_farm.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "floors/sockets.hpp"
#include "spin.hpp"

namespace floors {
namespace {

struct Task {
  std::int64_t number;
  std::int64_t steps;
};
constexpr int outstanding = 2;

[[noreturn]] void serve(int port) {
  const int master = connect_tcp(port);
  dup2(master, 3);  // and nothing else of the parent's stays open
  close_range(4, ~0u, 0);
  const timeval never{};  // it waits for tasks as long as the master lives
  setsockopt(3, SOL_SOCKET, SO_RCVTIMEO, &never, sizeof never);
  try {
    for (;;) {
      Task task;
      read_all(3, &task, sizeof task);
      task.steps = static_cast<std::int64_t>(spin(task.steps));
      write_all(3, &task, sizeof task);
    }
  } catch (...) {  // the master is done
    _exit(0);
  }
}

}  // namespace

TaskFarm::TaskFarm(int workers) {
  for (int i = 0; i < workers; i++) {
    TcpListener listener;
    const pid_t process = fork();
    if (process < 0) fail("fork");
    if (process == 0) serve(listener.port);
    processes_.push_back(process);
    sockets_.push_back(listener.accept());
  }
}

TaskFarm::~TaskFarm() {
  for (const int socket : sockets_) close(socket);
  for (const pid_t process : processes_) waitpid(process, nullptr, 0);
}

void TaskFarm::run(int count, std::int64_t steps) {
  std::vector<pollfd> polled;
  for (const int socket : sockets_) polled.push_back({socket, POLLIN, 0});
  Task next{0, steps};
  const auto send = [&](int socket) {
    if (next.number == count) return;
    write_all(socket, &next, sizeof next);
    next.number++;
  };
  for (int i = 0; i < outstanding; i++) {
    for (const int socket : sockets_) send(socket);
  }
  for (int done = 0; done < count;) {
    if (poll(polled.data(), polled.size(), 30'000) <= 0) fail("poll");
    for (const auto& ready : polled) {
      if ((ready.revents & POLLIN) == 0) continue;
      Task answer;
      read_all(ready.fd, &answer, sizeof answer);
      done++;
      send(ready.fd);
    }
  }
}

bool run_with_openmp([[maybe_unused]] int workers, [[maybe_unused]] int count, [[maybe_unused]] std::int64_t steps) {
#ifdef _OPENMP
#pragma omp parallel for schedule(dynamic) num_threads(workers)
  for (int i = 0; i < count; i++) spin(steps);
  return true;
#else
  return false;
#endif
}

}  // namespace floors
