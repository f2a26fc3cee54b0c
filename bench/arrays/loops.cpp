#include "arrays/loops.hpp"

// Compiled with OpenMP, where the compiler has it.

namespace floors {

bool has_openmp() {
#ifdef _OPENMP
  return true;
#else
  return false;
#endif
}

void fill(double* to, std::size_t count, double value) {
#pragma omp parallel for schedule(static) num_threads(workers)
  for (std::size_t i = 0; i < count; i++) to[i] = value;
}

void advect_by_threads(double* q, const double* u, std::size_t n) {
#pragma omp parallel for schedule(static) num_threads(workers)
  for (int worker = 0; worker < workers; worker++) advect(q, u, n, share_of(worker, n));
}

void divide(double* c, const double* a, const double* b, std::size_t count) {
#pragma omp parallel for simd schedule(static) num_threads(workers)
  for (std::size_t i = 0; i < count; i++) c[i] = 2.0 * a[i] / b[i];
}

double sum(const double* a, std::size_t count) {
  double all = 0;
#pragma omp parallel for simd schedule(static) num_threads(workers) reduction(+ : all)
  for (std::size_t i = 0; i < count; i++) all += a[i];
  return all;
}

void average(double* to, const double* from, std::size_t n) {
#pragma omp parallel for schedule(static) num_threads(workers)
  for (std::size_t i = 0; i < n; i++) {
    const double* above = from + (i + n - 1) % n * n;
    const double* row = from + i * n;
    const double* below = from + (i + 1) % n * n;
    double* out = to + i * n;
    out[0] = 0.25 * (above[0] + below[0] + row[n - 1] + row[1]);
    for (std::size_t j = 1; j + 1 < n; j++) out[j] = 0.25 * (above[j] + below[j] + row[j - 1] + row[j + 1]);
    out[n - 1] = 0.25 * (above[n - 1] + below[n - 1] + row[n - 2] + row[0]);
  }
}

}  // namespace floors
