// refused: cohort: this function cannot travel because it captures variables
#include "typical_mistakes.hpp"

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  int k = argc;
  std::cout << cohort::distributed_reduce(std::plus<>{}, cohort::range(1, 3), [k](int i) { return i * k; });
}
