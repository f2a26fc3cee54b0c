// refused: cohort: this type cannot travel
#include "typical_mistakes.hpp"

int f(std::mutex& m) { return 1; }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    std::mutex m;
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid, m);
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
