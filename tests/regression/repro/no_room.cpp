#include <sys/resource.h>
#include <cohort/cohort.hpp>
#include <iostream>
std::size_t size(const std::vector<char>& v) { return v.size(); }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  const auto pid = cohort::addprocs(1)[0];
  cohort::remotecall_fetch(
      [] {
        rlimit few{700u << 20, 700u << 20};
        setrlimit(RLIMIT_AS, &few);
      },
      pid);  // ulimit -v
  try {
    cohort::remotecall_fetch(cohort::fn<size>, pid, std::vector<char>(800u << 20));
  } catch (const std::exception& error) {
    std::cout << error.what() << std::endl;
  }
}
