// A second Session in the same program: no error; when it goes, the first one's cluster goes too.
#include <cohort/cohort.hpp>
#include <cstdio>
int main(int argc, char** argv) {
  cohort::Session a(argc, argv);
  auto p = cohort::addprocs(1);
  {
    cohort::Session b(argc, argv);
    std::printf("second Session: no error, nworkers %d\n", cohort::nprocs() - 1);
  }
  std::printf("after it: ");
  try {
    std::printf("%d\n", cohort::remotecall_fetch([] { return 1; }, p[0]));
  } catch (const std::exception& e) {
    std::printf("%s\n", e.what());
  }
}
