// refused: cohort: a pointer or reference means nothing in another process
#include "typical_mistakes.hpp"

int f(int* p) { return *p; }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    int x = 5;
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid, &x);
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
