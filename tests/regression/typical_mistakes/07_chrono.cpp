// runs: 6
#include "typical_mistakes.hpp"

long f(std::chrono::seconds s, std::chrono::system_clock::time_point t) {
  return s.count() + (t.time_since_epoch().count() > 0);
}
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid, 5s, std::chrono::system_clock::now());
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
