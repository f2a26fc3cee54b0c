// refused: cohort: this type cannot travel
#include "typical_mistakes.hpp"

class P {
  int a = 1;
};
struct S {
  std::vector<P> v;
};
int f(const S& s) { return s.v.size(); }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid, S{});
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
