// refused: cohort: an aggregate with a base class needs serialize(Archive&) to travel
#include "typical_mistakes.hpp"

struct Base {
  int x = 1;
};
struct D : Base {
  int y = 2;
};
int f(const D& d) { return d.x * 10 + d.y; }
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
