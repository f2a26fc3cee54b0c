// runs: On worker 2:
#include "typical_mistakes.hpp"

int f(int) { throw std::out_of_range("oops"); }
int main(int argc, char** argv) {
  cohort::Session s(argc, argv);
  auto pids = cohort::addprocs(1);
  cohort::remotecall_fetch(cohort::fn<f>, pids[0], 3);
}
