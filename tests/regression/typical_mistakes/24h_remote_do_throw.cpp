// runs: a function called by remote_do threw: silently?
#include "typical_mistakes.hpp"

int f(int) { throw std::runtime_error("silently?"); }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    cohort::remote_do(cohort::fn<f>, pid, 1);
    std::this_thread::sleep_for(500ms);
    std::cout << "done\n";
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
