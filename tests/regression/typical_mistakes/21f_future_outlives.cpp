// compiles
#include "typical_mistakes.hpp"

int f(int a) { return a; }
cohort::Future<int> g;
int main(int argc, char** argv) {
  {
    cohort::Session s(argc, argv);
    auto pids = cohort::addprocs(1);
    g = cohort::remotecall(cohort::fn<f>, pids[0], 3);
  }
  std::cout << g.fetch() << "\n";
}
