// refused: cohort: this function cannot travel because it captures variables
#include "typical_mistakes.hpp"

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  int k = argc;
  cohort::distributed_for(cohort::range(1, 3), [k](int i) { std::cout << i * k; }).wait();
}
