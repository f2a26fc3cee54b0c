// runs: there is no cluster session
#include "typical_mistakes.hpp"

int f(int a) { return a; }
int main(int argc, char** argv) {
  cohort::Session(argc, argv);
  auto pids = cohort::addprocs(1);
  std::cout << cohort::remotecall_fetch(cohort::fn<f>, pids[0], 3) << "\n";
}
