// runs: there is a cohort::Session already
#include "typical_mistakes.hpp"

int f(int a) { return a; }
int main(int argc, char** argv) {
  cohort::Session s(argc, argv);
  cohort::Session t(argc, argv);
  std::cout << cohort::nprocs() << "\n";
}
