#include "map_tasks.hpp"

#include <unistd.h>

#include <cohort/cohort.hpp>

#include "floors/task_farm.hpp"
#include "rounds.hpp"
#include "spin.hpp"

namespace {
constexpr int workers = 2;
constexpr int tasks = 10'000;
constexpr std::chrono::microseconds task_time(100);
}  // namespace

void map_tasks(Report& report, int rounds) {
  floors::TaskFarm farm(workers);
  const auto pids = cohort::addprocs(workers);
  const std::int64_t steps = steps_in(task_time);
  std::vector<Contender> contenders{
      {"raw TCP master, 2 outstanding", [&](int n) { return Samples::of(n, [&] { farm.run(tasks, steps); }); }},
      {"cohort pmap",
       [&](int n) {
         return Samples::of(
             n, [&] { cohort::pmap([](std::int64_t s) { return spin(s); }, std::vector<std::int64_t>(tasks, steps)); });
       }},
      {"cohort pmap, captured value", [&](int n) {
         return Samples::of(n, [&] {
           cohort::pmap(cohort::capture(steps, [](std::int64_t s, int) { return spin(s); }), cohort::range(1, tasks));
         });
       }}};
  if (floors::run_with_openmp(workers, 1, 1)) {
    contenders.insert(contenders.begin(),
                      {"OpenMP schedule(dynamic)",
                       [&](int n) { return Samples::of(n, [&] { floors::run_with_openmp(workers, tasks, steps); }); }});
  }
  const double ideal = std::chrono::duration<double, std::micro>(task_time).count() * tasks / workers;
  const auto outcomes = compare(contenders, rounds, 1);
  for (const auto& outcome : outcomes) {
    report.row("10 000 tasks of 100 us, 2 workers", outcome.name,
               {{"ms", outcome.p50 / 1000}, {"over_ideal", outcome.p50 / ideal}, {"over_first", outcome.p50_ratio}});
  }
  cohort::rmprocs(pids);
}
