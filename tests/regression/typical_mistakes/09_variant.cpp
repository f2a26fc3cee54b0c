// runs: hitext
#include "typical_mistakes.hpp"

std::string f(std::variant<int, std::string> v) { return std::holds_alternative<int>(v) ? "int" : std::get<1>(v); }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid, std::variant<int, std::string>{"hi"})
              << cohort::remotecall_fetch(cohort::fn<f>, pid, "text");
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
