// runs: 1
#include "typical_mistakes.hpp"

enum class Side { buy, sell };
Side f(Side s) { return s == Side::buy ? Side::sell : Side::buy; }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    std::cout << int(cohort::remotecall_fetch(cohort::fn<f>, pid, Side::buy));
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
