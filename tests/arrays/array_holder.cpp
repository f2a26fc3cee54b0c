// Holds a SharedArray and a DArray with two workers, says so with the ids of their processes, and waits to be killed.

#include <unistd.h>

#include <cstdio>

#include <cohort/arrays.hpp>
#include <cohort/cohort.hpp>

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  cohort::addprocs(2);
  const cohort::SharedArray<double, 1> shared({1 << 20},
                                              [](cohort::SharedArray<double, 1>& s) { s.local_span()[0] = 1; });
  const auto distributed = cohort::dones({1 << 20});
  for (auto& [pid, process] : cohort::fetch_all(cohort::procs(), [] { return getpid(); }))
    std::printf("%d\n", process.fetch());
  std::printf("ready\n");
  std::fflush(stdout);
  cohort::Channel<int>(0).take();
}
