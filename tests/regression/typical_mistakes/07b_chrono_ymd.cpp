// refused: cohort: this type cannot travel
#include "typical_mistakes.hpp"

int f(std::chrono::year_month_day d) { return int(d.year()); }
int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    std::cout << cohort::remotecall_fetch(cohort::fn<f>, pid, std::chrono::year_month_day{2024y / 1 / 2});
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
