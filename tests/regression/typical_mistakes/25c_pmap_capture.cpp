// refused: cohort: this function cannot travel because it captures variables
#include "typical_mistakes.hpp"

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    double k = 2;
    auto r = cohort::pmap([k](double x) { return x * k; }, std::vector<double>{1, 2, 3});
    std::cout << r[2];
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
