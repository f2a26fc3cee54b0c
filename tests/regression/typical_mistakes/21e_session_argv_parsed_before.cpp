// runs: did not come up (step: announce
#include "typical_mistakes.hpp"

int f(int a) { return a; }
int main(int argc, char** argv) {
  for (int i = 1; i < argc; i++) {
    if (argv[i][0] == '-') {
      std::cerr << "unknown option " << argv[i] << "\n";
      return 2;
    }
  }
  cohort::Session s(argc, argv);
  auto pids = cohort::addprocs(1);
  std::cout << cohort::remotecall_fetch(cohort::fn<f>, pids[0], 3) << "\n";
}
