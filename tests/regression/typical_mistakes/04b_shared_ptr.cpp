// refused: cohort: shared ownership ends at the process
#include "typical_mistakes.hpp"

int f(std::shared_ptr<int> p) { return *p; }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    auto p = std::make_shared<int>(5);
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid, p);
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
