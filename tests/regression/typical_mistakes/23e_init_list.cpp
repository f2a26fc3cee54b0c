// refused: cohort: the function cannot be called with these arguments. After the process come all parameters, default
#include "typical_mistakes.hpp"

// arguments too
int f(const std::vector<int>& v) { return v.size(); }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid, {1, 2, 3});
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
