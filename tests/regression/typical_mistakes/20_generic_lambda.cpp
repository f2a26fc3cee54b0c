// runs: 3.5
#include "typical_mistakes.hpp"

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    std::cout << cohort::remotecall_fetch([](auto a, auto b) { return a + b; }, pid, 1, 2.5);
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
