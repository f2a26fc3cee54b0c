// runs: 1
#include "typical_mistakes.hpp"

std::vector<bool> f(std::vector<bool> v) {
  v.flip();
  return v;
}
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid, std::vector<bool>{true, false})[1];
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
