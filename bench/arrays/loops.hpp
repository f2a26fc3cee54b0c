#pragma once

#include <cstddef>

/// What the machine itself reaches with arrays: plain loops, on two threads by OpenMP and in two processes that share
/// memory.
namespace floors {

inline constexpr int workers = 2;

/// The indices [from, to) of `count` that one of the two works on.
struct Share {
  std::size_t from, to;
};
inline Share share_of(int worker, std::size_t count) {
  const std::size_t middle = (count + 1) / 2;
  return worker == 0 ? Share{0, middle} : Share{middle, count};
}

/// `q[t + 1, j, i] = q[t, j, i] + u[t, j, i]` for all t and i, and for some j; `n` of each.
inline void advect(double* q, const double* u, std::size_t n, Share rows) {
  for (std::size_t t = 0; t + 1 < n; t++)
    for (std::size_t j = rows.from; j < rows.to; j++) {
      double* next = q + ((t + 1) * n + j) * n;
      const double* now = q + (t * n + j) * n;
      const double* added = u + (t * n + j) * n;
      for (std::size_t i = 0; i < n; i++) next[i] = now[i] + added[i];
    }
}

/// Whether the functions below use two threads; otherwise they are no floors.
bool has_openmp();
/// On the threads that use the elements later.
void fill(double* to, std::size_t count, double value);
void advect_by_threads(double* q, const double* u, std::size_t n);
/// `c = 2 * a / b`.
void divide(double* c, const double* a, const double* b, std::size_t count);
double sum(const double* a, std::size_t count);
/// The mean of the four neighbours of each element of a square of n x n; the square repeats itself in each direction.
void average(double* to, const double* from, std::size_t n);

/// Two processes that advect an array in shared memory when they are told to.
class AdvectingProcesses {
 public:
  /// @throws std::runtime_error
  explicit AdvectingProcesses(std::size_t n);
  ~AdvectingProcesses();
  AdvectingProcesses(const AdvectingProcesses&) = delete;
  AdvectingProcesses& operator=(const AdvectingProcesses&) = delete;

  void run();

 private:
  [[noreturn]] void serve(int worker, int socket) const;

  std::size_t n_;
  double* memory_ = nullptr;  // q, then u
  int sockets_[workers];
  int processes_[workers];
};

}  // namespace floors
