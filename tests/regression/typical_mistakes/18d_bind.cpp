// refused: cohort: this function cannot travel because it captures variables
#include "typical_mistakes.hpp"

int f(int a, int b) { return a + b; }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    std::cout << cohort::remotecall_fetch(std::bind(f, 1, std::placeholders::_1), pid, 3);
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
