// runs: std::out_of_range: oops
#include "typical_mistakes.hpp"

int f(int) { throw std::out_of_range("oops"); }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    try {
      cohort::remotecall_fetch(cohort::fn<f>, pid, 1);
    } catch (const std::out_of_range& e) {
      std::cout << "got original\n";
    }
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
