// refused: cohort: the function of a loop cannot be a coroutine
#include "typical_mistakes.hpp"

cohort::Task<> body(int) { co_return; }

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  int k = argc;
  cohort::distributed_for(cohort::range(1, k), cohort::fn<body>).wait();
}
