// refused: cohort: std::ref refers to memory of this process
#include "typical_mistakes.hpp"

int f(std::vector<std::reference_wrapper<int>> v) { return v.size(); }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    int a;
    std::vector<std::reference_wrapper<int>> v{a};
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid, v);
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
