// runs: 5
#include "typical_mistakes.hpp"

static int hits = 5;
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    hits = 7;
    std::cout << cohort::remotecall_fetch([] { return hits; }, pid);
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
