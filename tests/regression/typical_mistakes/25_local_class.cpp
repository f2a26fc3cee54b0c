// runs: loc
#include "typical_mistakes.hpp"

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    struct L {
      int a;
      std::string b;
    };
    std::cout << cohort::remotecall_fetch([](const L& l) { return l.b; }, pid, L{1, "loc"});
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
