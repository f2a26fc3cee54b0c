// refused: cohort: this function cannot travel because it captures variables
#include "typical_mistakes.hpp"

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  auto pids = cohort::addprocs(1);
  auto pid = pids[0];
  try {
    std::vector<double> in{1, 2, 3};
    auto r = cohort::pmap([&](std::size_t i) { return in[i] * 2; }, cohort::range(std::size_t{0}, in.size() - 1));
    std::cout << r[2];
  } catch (const std::exception& e) {
    std::cout << "CAUGHT " << typeid(e).name() << ": " << e.what() << '\n';
    return 1;
  }
}
