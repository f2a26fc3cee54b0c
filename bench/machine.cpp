#include "machine.hpp"

#include <pthread.h>
#include <sched.h>
#include <sys/utsname.h>

#include <array>
#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>

namespace {

void run_on(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

std::vector<int> usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  std::vector<int> cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

std::string first_line_after(const char* path, const std::string& prefix) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(prefix)) return line.substr(line.find_first_not_of(": \t", prefix.size()));
  }
  return "unknown";
}

}  // namespace

double spinning_round_trip() {
  constexpr int round_trips = 5000;
  const auto cpus = usable_cpus();
  if (cpus.size() < 2) return 0;
  std::atomic<int> ball{0};  // even: the first thread's turn
  double microseconds = 0;
  {
    std::jthread second([&] {
      run_on(cpus[1]);
      for (int i = 0; i < round_trips; ++i) {
        while (ball.load(std::memory_order_acquire) != 2 * i + 1) continue;
        ball.store(2 * i + 2, std::memory_order_release);
      }
    });
    std::jthread first([&] {
      run_on(cpus[0]);
      auto start = std::chrono::steady_clock::now();
      for (int i = 0; i < round_trips; ++i) {
        if (i == 500) start = std::chrono::steady_clock::now();  // by now both have started
        ball.store(2 * i + 1, std::memory_order_release);
        while (ball.load(std::memory_order_acquire) != 2 * i + 2) continue;
      }
      microseconds = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
    });
  }
  return microseconds / (round_trips - 500);
}

std::vector<std::pair<std::string, std::string>> machine_facts() {
  utsname kernel{};
  uname(&kernel);
  return {{"cpu", first_line_after("/proc/cpuinfo", "model name")},
          {"cpus", std::to_string(usable_cpus().size())},
          {"kernel", kernel.release},
          {"compiler", "g++ " __VERSION__},
          {"load", first_line_after("/proc/loadavg", "")}};
}
