// What the tests have srun and mpiexec start many times: it says which process has which rank, and does what it is
// told.
//   program              prints one line, and ends
//   program fail CODE    the master's main returns that code
//   program throw        an exception leaves the master's main
//   program lose CODE    a worker ends with that code while it is called; says why, and how many others still answer
//   program wait         prints "ready", and waits until it is ended
//   program without      says in its options, and by no flag, that others may launch it

#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <string>
#include <thread>

#include <cohort/cohort.hpp>
#include <cohort/launched.hpp>

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  cohort::Session session(argc, argv, {.launched = what == "without"});
  std::string line = "master";
  for (const auto pid : cohort::workers()) {
    if (pid == 1) continue;
    const int rank = cohort::remotecall_fetch([] { return cohort::launched_process()->rank; }, pid);
    line += " " + std::to_string(pid) + ":" + std::to_string(rank);
  }
  std::cout << line << std::endl;
  if (what == "fail") return std::atoi(argv[2]);
  if (what == "lose") {
    try {
      cohort::remotecall_fetch([](int code) { ::_exit(code); }, cohort::workers().back(), std::atoi(argv[2]));
    } catch (const cohort::ProcessExitedException& error) {
      std::cout << "lost: " << error.what() << std::endl;
    }
    int others = 0;
    for (const auto pid : cohort::workers()) others += cohort::remotecall_fetch([] { return 1; }, pid);
    std::cout << "others: " << others << std::endl;
  }
  if (what == "wait") {
    std::cout << "ready" << std::endl;
    std::this_thread::sleep_for(std::chrono::minutes(2));
  }
  if (what == "throw") throw std::runtime_error("the master has had enough");
  return 0;
}
