// runs: 2
#include "typical_mistakes.hpp"

int f(std::span<const int> s) { return s.size(); }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    std::vector<int> v{1, 2};
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid, v);
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
