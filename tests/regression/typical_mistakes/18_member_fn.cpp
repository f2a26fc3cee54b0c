// runs: 12
#include "typical_mistakes.hpp"

struct A {
  int x;
  int get(int k) const { return x * k; }
};
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    A a{4};
    std::cout << cohort::remotecall_fetch(cohort::fn<&A::get>, pid, a, 3);
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
