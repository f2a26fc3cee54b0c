// runs: 3
#include "typical_mistakes.hpp"

struct A {
  static int get(int k) { return k; }
};
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    std::cout << cohort::remotecall_fetch(cohort::fn<&A::get>, pid, 3);
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
