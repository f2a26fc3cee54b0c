// runs: 5
#include "typical_mistakes.hpp"

int f(std::unique_ptr<int> p) { return *p; }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    auto p = std::make_unique<int>(5);
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid, std::move(p));
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
