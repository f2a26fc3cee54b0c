// refused: cohort: distributed_reduce calls the operation with two values
#include "typical_mistakes.hpp"

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  int k = argc;
  std::cout << cohort::distributed_reduce(std::plus<>{}, cohort::range(1, k), [](int) {});
}
