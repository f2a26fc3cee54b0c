// refused: cohort: the function cannot be called with these arguments. After the process come all parameters, default
#include "typical_mistakes.hpp"

// arguments too
void f(int& x) { x = 9; }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    int x = 1;
    cohort::remotecall_fetch(cohort::fn<f>, pid, x);
    std::cout << x;
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
