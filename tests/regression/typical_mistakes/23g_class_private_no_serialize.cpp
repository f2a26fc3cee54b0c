// refused: cohort: this type cannot travel
#include "typical_mistakes.hpp"

class P {
  int a = 1;

 public:
  int get() const { return a; }
};
int f(const P& p) { return p.get(); }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid, P{});
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
