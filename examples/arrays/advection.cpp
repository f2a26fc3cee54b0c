// q[i,j,t+1] = q[i,j,t] + u[i,j,t] over arrays that all processes share: in one process, by distributed_for at each
// step, and with one call to each worker for all steps.
//   build/release/bin/advection 4 500     (4 workers, 500 x 500 x 500; that is 2 GB)

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <cohort/arrays.hpp>
#include <cohort/cohort.hpp>

using Array = cohort::SharedArray<double, 3>;  // t, i, j: so that a step is consecutive in memory

void advance(const Array& q, const Array& u, std::size_t step, std::size_t from, std::size_t to) {
  const std::size_t columns = q.extents()[2];
  for (std::size_t i = from; i < to; i++)
    for (std::size_t j = 0; j < columns; j++) q(step + 1, i, j) = q(step, i, j) + u(step, i, j);
}
void advance_all(const Array& q, const Array& u, std::size_t from, std::size_t to) {
  for (std::size_t t = 0; t + 1 < q.extents()[0]; t++) advance(q, u, t, from, to);
}
void advance_my_rows(const Array& q, const Array& u) {
  const std::size_t rows = q.extents()[1], me = *q.index_pid(), all = q.pids().size();
  advance_all(q, u, rows * me / all, rows * (me + 1) / all);
}

void serial(const Array& q, const Array& u) { advance_all(q, u, 0, q.extents()[1]); }
void by_loops(const Array& q, const Array& u) {
  for (std::size_t t = 0; t + 1 < q.extents()[0]; t++) {
    const auto row = [](const Array& to, const Array& by, std::size_t step, long i) {
      advance(to, by, step, static_cast<std::size_t>(i), static_cast<std::size_t>(i) + 1);
    };
    cohort::distributed_for(cohort::range(0L, static_cast<long>(q.extents()[1]) - 1), cohort::capture(q, u, t, row))
        .wait();
  }
}
void by_chunks(const Array& q, const Array& u) { cohort::everywhere(q.pids(), cohort::fn<advance_my_rows>, q, u); }

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  cohort::addprocs(argc > 1 ? std::atoi(argv[1]) : 2);
  const std::size_t n = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 100;
  const Array u({n, n, n});
  for (std::size_t i = 0; i < u.size(); i++) u[i] = static_cast<double>(i % 100);
  std::vector<double> last;
  using Version = std::pair<const char*, void (*)(const Array&, const Array&)>;
  for (const auto& [name, f] :
       {Version("serial", serial), Version("by loops", by_loops), Version("by chunks", by_chunks)}) {
    const Array q({n, n, n});
    const auto begin = std::chrono::steady_clock::now();
    f(q, u);
    const std::chrono::duration<double, std::milli> time = std::chrono::steady_clock::now() - begin;
    const bool equal = last.empty() || std::equal(q.begin(), q.end(), last.begin());
    last.assign(q.begin(), q.end());
    std::printf("%-10s %8.1f ms%s\n", name, time.count(), equal ? "" : "  DIFFERENT RESULTS");
  }
}
