// A master to be watched, or killed, from outside. The first argument says what it does with its workers; once it says
// "ready" it waits to be ended.

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <latch>
#include <memory>
#include <string>

#include <cohort/cohort.hpp>
#include <cohort/plugin.hpp>

namespace {

void print_processes() {
  for (const auto pid : cohort::workers()) {
    std::cout << "process " << cohort::remotecall_fetch([] { return static_cast<int>(getpid()); }, pid) << '\n';
  }
}

[[noreturn]] void wait_for_the_end() {
  std::cout << "ready" << std::endl;
  for (;;) pause();
}

void compute() {
  for (volatile bool go_on = true; go_on;) {
  }
}

// Lines of 100 bytes, numbered, to both outputs.
void flood(int lines) {
  const std::string rest(80, 'x');
  for (int i = 0; i < lines; i++) {
    for (std::FILE* output : {stdout, stderr}) {
      std::fprintf(output, "%s %3d %10d %s\n", output == stdout ? "out" : "err", cohort::myid(), i, rest.c_str());
    }
  }
}

struct Endless : cohort::ClusterManager {
  void launch(const cohort::LaunchParams&, cohort::LaunchQueue&) override { std::latch(1).wait(); }
  void manage(cohort::Pid, cohort::WorkerConfig&, cohort::ManageOp) override {}
};

void launch_endlessly() {
  cohort::AddprocsOptions options;
  options.timeouts.emplace().launch = std::chrono::milliseconds(100);
  try {
    cohort::addprocs(std::make_shared<Endless>(), options);
  } catch (const cohort::LaunchError& error) {
    std::cout << error.what() << '\n';
  }
}

}  // namespace

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  const std::string task = argc > 1 ? argv[1] : "";
  if (task == "flood") {
    std::vector<cohort::Future<void>> floods;
    for (const auto pid : cohort::workers())
      floods.push_back(cohort::remotecall(cohort::fn<flood>, pid, atoi(argv[2])));
    for (auto& one : floods) one.fetch();
    return 0;
  }
  if (task == "launch-endlessly") {
    launch_endlessly();
    return 7;
  }
  print_processes();
  if (task == "compute") {
    for (const auto pid : cohort::workers()) cohort::remote_do(cohort::fn<compute>, pid);
  }
  if (task == "cookie") std::ofstream(argv[2]) << cohort::cluster_cookie();
  if (task == "end") return 0;
  wait_for_the_end();
}
