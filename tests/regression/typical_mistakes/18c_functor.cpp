// runs: 5
#include "typical_mistakes.hpp"

struct Add {
  int k;
  int operator()(int x) const { return x + k; }
};
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    std::cout << cohort::remotecall_fetch(Add{2}, pid, 3);
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
