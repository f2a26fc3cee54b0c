// Computes pi by throwing darts, with a progress bar. If a worker dies, other workers throw its batch of darts again.
//   cohort run -p 4 build/release/bin/monte_carlo_pi 200

#include <cstdlib>
#include <iostream>
#include <random>

#include <cohort/cohort.hpp>

constexpr long darts = 1'000'000;

long hits(unsigned seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> side(-1, 1);
  long inside = 0;
  for (long i = 0; i < darts; i++) {
    const double x = side(random), y = side(random);
    if (x * x + y * y < 1) inside++;
  }
  return inside;
}

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  const unsigned batches = argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : 50;
  if (cohort::nprocs() == 1) cohort::addprocs(2);

  long inside = 0;
  for (auto& [index, count] :  // index of the item, counted from 0
       cohort::pmap_stream(cohort::fn<hits>, cohort::range(1u, batches),
                           {.retry_delays = cohort::ExponentialBackOff{.n = 3}, .progress = cohort::progress_bar()})) {
    inside += count;
  }
  std::cout << "pi is about " << 4.0 * static_cast<double>(inside) / (static_cast<double>(batches) * darts) << '\n';
}
