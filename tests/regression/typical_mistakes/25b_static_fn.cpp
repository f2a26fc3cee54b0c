// runs: 34
#include "typical_mistakes.hpp"

static int f(int a) { return a; }
namespace {
int g(int a) { return a + 1; }
}  // namespace
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid, 3) << cohort::remotecall_fetch(cohort::fn<g>, pid, 3);
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
