// runs: CAUGHT N6cohort5ErrorE: argument 1 of the function is 3.7, which a parameter of type int cannot hold
#include "typical_mistakes.hpp"

int f(int a) { return a; }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid, 3.7) << " "
              << cohort::remotecall_fetch(cohort::fn<f>, pid, 5000000000L);
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
