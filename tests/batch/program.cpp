// What the tests run as a master whose workers are jobs: says on which nodes they are, and does what it is told.
//   program              ends
//   program wait [FILE]  prints "ready", and waits until it is ended; the cookie is in that file then
//   program cause CODE   a worker ends with that code while it is called; prints the exception
//   program lost         prints "ready", and waits until a worker is lost; prints why

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <cohort/cohort.hpp>

namespace {

std::string node() {
  const char* name = std::getenv("SLURMD_NODENAME");
  return name == nullptr ? "?" : name;
}

int sleep_for_long() {
  std::this_thread::sleep_for(std::chrono::minutes(2));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  const std::string what = argc > 1 ? argv[1] : "";
  std::vector<std::string> nodes;
  for (const auto pid : cohort::workers()) nodes.push_back(cohort::remotecall_fetch([] { return node(); }, pid));
  std::sort(nodes.begin(), nodes.end());
  std::cout << "workers " << nodes.size() << " on";
  for (const auto& name : nodes) std::cout << ' ' << name;
  std::cout << std::endl;
  if (what == "wait") {
    if (argc > 2) std::ofstream(argv[2]) << cohort::cluster_cookie();
    std::cout << "ready" << std::endl;
    sleep_for_long();
  }
  if (what == "cause" || what == "lost") {
    const auto pid = cohort::workers().back();
    try {
      if (what == "cause") {
        cohort::remotecall_fetch([](int code) { ::_exit(code); }, pid, std::atoi(argv[2]));
      } else {
        auto call = cohort::remotecall([] { return sleep_for_long(); }, pid);
        std::cout << "ready" << std::endl;
        call.fetch();
      }
    } catch (const cohort::ProcessExitedException& error) {
      std::cout << "lost: " << error.what() << std::endl;
    }
  }
  return 0;
}
