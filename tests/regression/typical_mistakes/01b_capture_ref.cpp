// refused: cohort: this function cannot travel because it captures variables
#include "typical_mistakes.hpp"

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    int k = 3;
    std::cout << cohort::remotecall_fetch([&](int n) { return n * k; }, pid, 7);
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
