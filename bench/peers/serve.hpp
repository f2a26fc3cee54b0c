#pragma once

#include <sys/prctl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <deque>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <tuple>
#include <vector>

/// What all programs of this folder speak, so that a driver can let them take turns. A program writes one line, "ready"
/// and the rows that it has. Then it reads lines "ROW COUNT", and answers each with a line of times in microseconds:
///   round_trip  COUNT times of a call with 64 bytes that are sent back
///   calls       the time of COUNT calls of a function that does nothing, 1000 of them open: one time
///   bulk        COUNT times of 64 MiB of doubles, answered by their number
/// It ends when its input ends.
namespace peers {

using Times = std::vector<double>;
constexpr int open_calls = 1000;
constexpr std::size_t bulk_doubles = (64 << 20) / sizeof(double);

template <class Action>
double time_of(Action&& action) {
  const auto start = std::chrono::steady_clock::now();
  action();
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
}

template <class Action>
Times times_of(int count, Action&& action) {
  Times times;
  for (int i = 0; i < count; i++) times.push_back(time_of(action));
  return times;
}

/// `begin()` begins a call and returns what `end()` then waits for; `open_calls` are open.
template <class Begin, class End>
Times pipelined(int count, Begin begin, End end) {
  return {time_of([&] {
    std::deque<decltype(begin())> open;
    for (int i = 0; i < count; i++) {
      if (open.size() == open_calls) {
        end(open.front());
        open.pop_front();
      }
      open.push_back(begin());
    }
    for (auto& call : open) end(call);
  })};
}

using Rows = std::map<std::string, std::function<Times(int count)>>;

inline int serve(const Rows& rows) {
  std::cout << "ready";
  for (const auto& [name, row] : rows) std::cout << ' ' << name;
  std::cout << std::endl;
  std::string name;
  for (int count; std::cin >> name >> count;) {
    for (const double time : rows.at(name)(count)) std::cout << time << ' ';
    std::cout << std::endl;
  }
  return 0;
}

/// Forks a process that runs `server(announce)`, which calls `announce(port)` for each port on which it listens. It
/// ends with this one. @return the ports
template <class Server>
std::vector<int> fork_server(int port_count, Server server) {
  int ends[2];
  if (pipe(ends) != 0) std::exit(1);
  if (fork() == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(ends[0]);
    server([&](int port) { std::ignore = write(ends[1], &port, sizeof port); });
    _exit(0);
  }
  close(ends[1]);  // if the server ends, so do the reads
  std::vector<int> ports(static_cast<std::size_t>(port_count));
  for (int& port : ports) {
    if (read(ends[0], &port, sizeof port) == sizeof port) continue;
    std::cout << "its server did not start" << std::endl;
    std::exit(1);
  }
  close(ends[0]);
  return ports;
}

}  // namespace peers
