// refused: cohort: shared ownership ends at the process
#include "typical_mistakes.hpp"

struct S {
  std::mutex m;
};
std::shared_ptr<S> f() { return nullptr; }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    cohort::remotecall_fetch(cohort::fn<f>, pid);
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
