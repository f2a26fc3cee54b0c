// runs: usage: x N
#include "typical_mistakes.hpp"

int f(int a) { return a; }
int main(int argc, char** argv) {
  std::cout << "starting\n";
  if (argc < 2) {
    std::cerr << "usage: x N\n";
    return 2;
  }
  cohort::Session s(argc, argv);
  auto pids = cohort::addprocs(1);
  std::cout << cohort::remotecall_fetch(cohort::fn<f>, pids[0], 3) << "\n";
}
