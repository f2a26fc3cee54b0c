// refused: cohort: this type cannot travel
#include "typical_mistakes.hpp"

std::string f(std::ifstream& s) {
  std::string l;
  std::getline(s, l);
  return l;
}
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    std::ifstream s("/etc/hostname");
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid, s);
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
