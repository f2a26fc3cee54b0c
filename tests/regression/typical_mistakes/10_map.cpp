// runs: 1
#include "typical_mistakes.hpp"

int f(const std::map<std::string, std::vector<double>>& m) { return m.size(); }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid,
                                          std::map<std::string, std::vector<double>>{{"a", {1, 2}}});
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
