#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <cohort/arrays.hpp>
#include <cohort/cohort.hpp>

#include "arrays/groups.hpp"
#include "arrays/loops.hpp"
#include "rounds.hpp"

namespace {

using Cube = cohort::SharedArray<double, 3>;
using Vector = cohort::DArray<double, 1>;
using Memory = std::unique_ptr<double[]>;

Memory filled(std::size_t count, double value) {
  auto memory = std::make_unique_for_overwrite<double[]>(count);
  floors::fill(memory.get(), count, value);
  return memory;
}

// By element access, as a program would write it.
void advect_here(const Cube& q, const Cube& u) {
  const auto [times, rows, columns] = q.extents();
  const auto [from, to] = floors::share_of(static_cast<int>(q.index_pid().value()), rows);
  for (std::size_t t = 0; t + 1 < times; t++)
    for (std::size_t j = from; j < to; j++)
      for (std::size_t i = 0; i < columns; i++) q(t + 1, j, i) = q(t, j, i) + u(t, j, i);
}

Contender contender(std::string name, std::function<void()> action) {
  return {std::move(name), [action = std::move(action)](int n) { return Samples::of(n, action); }};
}

void compare_with_openmp(Report& report, const std::string& section, const std::vector<Contender>& contenders,
                         int rounds, double most) {
  if (!floors::has_openmp()) return;
  const auto outcomes = compare(contenders, rounds, 1);
  for (const auto& outcome : outcomes)
    report.row(section, outcome.name, {{"ms", outcome.p50 / 1000}, {"over_openmp", outcome.p50_ratio}});
  report.target(section, outcomes.back().name, "over_openmp", Report::Limit::at_most, most);
}

std::string rounded(std::size_t count) { return fmt::format("{:.0e}", static_cast<double>(count)); }

}  // namespace

void advection(Report& report, int rounds, std::size_t n) {
  const auto pids = cohort::addprocs(floors::workers);
  {
    const Cube q({n, n, n}), u({n, n, n});
    cohort::everywhere(
        pids,
        [](const Cube& zeros, const Cube& ones) {  // each touches what it uses later
          const std::size_t size = zeros.extents()[0];
          const auto [from, to] = floors::share_of(static_cast<int>(zeros.index_pid().value()), size);
          for (std::size_t t = 0; t < size; t++) {
            std::fill(&zeros(t, from, 0), &zeros(t, from, 0) + (to - from) * size, 0.0);
            std::fill(&ones(t, from, 0), &ones(t, from, 0) + (to - from) * size, 1.0);
          }
        },
        q, u);
    const std::size_t count = n * n * n;
    const Memory thread_q = filled(count, 0), thread_u = filled(count, 1);
    floors::AdvectingProcesses processes(n);
    compare_with_openmp(
        report, fmt::format("advection of {}^3 doubles, 2 workers", n),
        {contender("OpenMP", [&] { floors::advect_by_threads(thread_q.get(), thread_u.get(), n); }),
         contender("processes and mmap", [&] { processes.run(); }),
         contender("cohort SharedArray", [&] { cohort::everywhere(pids, cohort::fn<advect_here>, q, u); })},
        rounds, 1.05);
  }
  cohort::rmprocs(pids);
}

void element_wise(Report& report, int rounds, std::size_t count) {
  const auto pids = cohort::addprocs(floors::workers);
  {
    const Memory a = filled(count, 3.14), b = filled(count, 0.5), c = filled(count, 0);
    const Vector x = cohort::dfill(3.14, {count}), y = cohort::dfill(0.5, {count}), z = cohort::dzeros({count});
    compare_with_openmp(report, "2 * a / b of " + rounded(count) + " doubles into an array, 2 workers",
                        {contender("OpenMP", [&] { floors::divide(c.get(), a.get(), b.get(), count); }),
                         contender("cohort DArray::assign", [&] { z.assign(2.0 * x / y); })},
                        rounds, 1.10);
    compare_with_openmp(report, "2 * a / b of " + rounded(count) + " doubles into a new array, 2 workers",
                        {contender("OpenMP, memory allocated and freed",
                                   [&] {
                                     const auto made = std::make_unique_for_overwrite<double[]>(count);
                                     floors::divide(made.get(), a.get(), b.get(), count);
                                   }),
                         contender("cohort DArray, made and closed",
                                   [&] {
                                     Vector made = 2.0 * x / y;
                                     made.close();
                                   })},
                        rounds, 1.10);
    double sums[2] = {};
    compare_with_openmp(report, "sum of " + rounded(count) + " doubles, 2 workers",
                        {contender("OpenMP", [&] { sums[0] = floors::sum(a.get(), count); }),
                         contender("cohort sum", [&] { sums[1] = cohort::sum(x); })},
                        rounds, 1.10);
    if (floors::has_openmp() && std::abs(sums[0] / sums[1] - 1) > 1e-9) throw std::runtime_error("the sums differ");
  }
  cohort::rmprocs(pids);
}
