// runs: 22
#include "typical_mistakes.hpp"

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    auto l = [](int a) { return a + 1; };
    std::cout << cohort::remotecall_fetch(l, pid, 1);
    const auto& r = l;
    std::cout << cohort::remotecall_fetch(r, pid, 1);
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
