// refused: cohort: the function comes first: remotecall(f, pid, ...)
#include "typical_mistakes.hpp"

int f(int a) { return a; }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    std::cout << cohort::remotecall(pid, cohort::fn<f>, 3).fetch();
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
