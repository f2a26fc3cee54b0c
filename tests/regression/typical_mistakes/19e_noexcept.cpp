// runs: 3
#include "typical_mistakes.hpp"

int f(int x) noexcept { return x; }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid, 3);
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
