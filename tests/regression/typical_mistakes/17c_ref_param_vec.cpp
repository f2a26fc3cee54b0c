// refused: cohort: std::ref refers to memory of this process
#include "typical_mistakes.hpp"

void f(std::vector<int>& v) { v.push_back(1); }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    std::vector<int> v;
    cohort::remotecall_fetch(cohort::fn<f>, pid, std::ref(v));
    std::cout << v.size();
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
