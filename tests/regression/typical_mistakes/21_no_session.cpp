// runs: there is no cluster session: main() must begin with `cohort::Session session(argc, argv);`
#include "typical_mistakes.hpp"

int f(int a) { return a; }
int main() {
  auto pids = cohort::addprocs(1);
  std::cout << cohort::remotecall_fetch(cohort::fn<f>, pids[0], 3) << "\n";
}
