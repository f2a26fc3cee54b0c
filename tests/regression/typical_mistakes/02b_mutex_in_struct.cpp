// refused: cohort: this type cannot travel
#include "typical_mistakes.hpp"

struct S {
  int a;
  std::mutex m;
};
int f(const S& s) { return s.a; }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    S s;
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid, s);
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
