// refused: cohort: this type cannot travel
#include "typical_mistakes.hpp"

struct Base {
  int x = 1;
  virtual ~Base() = default;
  virtual int v() const { return x; }
};
struct D : Base {
  int v() const override { return 3; }
};
int f(const Base& b) { return b.v(); }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    D d;
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid, d);
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
