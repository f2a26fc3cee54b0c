// refused: cohort: this type cannot travel
#include "typical_mistakes.hpp"

int f(std::function<int(int)> g) { return g(1); }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    std::function<int(int)> g = [](int x) { return x + 1; };
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid, g);
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
