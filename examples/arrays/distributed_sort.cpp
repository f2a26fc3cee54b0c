// Sorts random numbers that no process has all of.
//   cohort run -p 4 build/release/bin/distributed_sort 100000000

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <cohort/arrays.hpp>
#include <cohort/cohort.hpp>

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  const std::size_t n = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 100'000;
  if (cohort::nprocs() == 1) cohort::addprocs(3);

  const auto numbers = cohort::drand({n}, {.seed = 1});
  const auto begin = std::chrono::steady_clock::now();
  const auto sorted = cohort::sort(numbers);
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;

  // Each process looks at its part; the ends of the parts are compared here.
  bool right = true;
  double last = -1;
  for (const auto& box : sorted.boxes()) {
    if (box.empty()) continue;
    const auto part = sorted.get(box);
    right = right && std::is_sorted(part.begin(), part.end()) && part[0] >= last;
    last = part[part.size() - 1];
  }
  std::printf("%zu numbers in %zu parts, %s, in %.3f s\n", n, sorted.boxes().size(), right ? "sorted" : "NOT SORTED",
              time.count());
  for (std::size_t i = 0; i < sorted.pids().size(); i++)
    std::printf("process %d has %zu\n", sorted.pids()[i], sorted.boxes()[i].size());
}
