// refused: cohort: the function of a loop is called with one element
#include "typical_mistakes.hpp"

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  int k = argc;
  std::cout << cohort::distributed_reduce(std::plus<>{}, cohort::range(1, k), [](std::string s) { return s; });
}
