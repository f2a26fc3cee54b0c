// runs: ok
#include "typical_mistakes.hpp"

void f(int) {}
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    cohort::Future<void> x = cohort::remotecall(cohort::fn<f>, pid, 1);
    x.fetch();
    std::cout << "ok\n";
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
