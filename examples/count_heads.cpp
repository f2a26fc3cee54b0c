// Flips coins on every worker, and shows the result of each worker.
//   cohort run -p 4 build/release/bin/count_heads 20000000

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <cohort/cohort.hpp>

long count_heads(long flips) {
  std::mt19937_64 random(std::random_device{}());
  long heads = 0;
  for (; flips >= 64; flips -= 64) heads += __builtin_popcountll(random());
  for (std::uint64_t bits = random(); flips > 0; flips--, bits >>= 1) heads += static_cast<long>(bits & 1);
  return heads;
}

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  const long flips = argc > 1 ? std::atol(argv[1]) : 20'000'000;
  if (cohort::nprocs() == 1) cohort::addprocs(2);

  const auto start = std::chrono::steady_clock::now();
  std::vector<std::pair<cohort::Pid, cohort::Future<long>>> counts;
  for (cohort::Pid pid : cohort::workers()) {
    counts.emplace_back(pid, cohort::remotecall(cohort::fn<count_heads>, pid, flips));
  }
  long heads = 0;
  for (auto& [pid, count] : counts) {
    std::cout << "worker " << pid << " counted " << count.fetch() << " heads in " << flips << " flips\n";
    heads += count.fetch();
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  std::cout << "together " << heads << " heads in " << flips * static_cast<long>(counts.size()) << " flips, "
            << elapsed.count() << " s\n";
}
