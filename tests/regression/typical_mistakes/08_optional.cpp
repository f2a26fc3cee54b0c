// refused: cohort: std::nullopt does not say what is missing
#include "typical_mistakes.hpp"

int f(std::optional<int> o) { return o.value_or(9); }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid, std::optional<int>{})
              << cohort::remotecall_fetch(cohort::fn<f>, pid, 4)
              << cohort::remotecall_fetch(cohort::fn<f>, pid, std::nullopt);
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
