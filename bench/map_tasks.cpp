// pmap: tasks of 100 us beside OpenMP and a hand-written master, and items that do nothing.

#include <vector>

#include "floors/hand_written.hpp"
#include "floors/task_farm.hpp"
#include "groups.hpp"
#include "rounds.hpp"
#include "spin.hpp"

namespace {
constexpr int workers = 2;
constexpr std::chrono::microseconds task_time(100);
}  // namespace

void map_tasks(Report& report, const Setting& setting) {
  const int tasks = setting.quick ? 2'000 : 10'000;
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
    contenders.push_back({"OpenMP schedule(dynamic)", [&](int n) {
                            return Samples::of(n, [&] { floors::run_with_openmp(workers, tasks, steps); });
                          }});
  }
  const double ideal = std::chrono::duration<double, std::micro>(task_time).count() * tasks / workers;
  const auto outcomes = compare(contenders, std::min(setting.rounds, 10), 1);
  for (const auto& outcome : outcomes) {
    report.row(setting.quick ? "2000 tasks of 100 us, 2 workers" : "10 000 tasks of 100 us, 2 workers", outcome.name,
               {{"ms", outcome.p50 / 1000}, {"over_ideal", outcome.p50 / ideal}, {"over_raw_tcp", outcome.p50_ratio}});
  }
  cohort::rmprocs(pids);
}

void map_empty_items(Report& report, const Setting& setting) {
  const int items = setting.quick ? 100'000 : 1'000'000;
  floors::Peer peer;
  const auto pids = cohort::addprocs(workers);
  const auto outcomes = compare(
      {{"hand-written calls, 1000 open", [&](int) { return floors::pipelined(peer.hand_written(items), items, 1000); }},
       {"cohort pmap, 2 workers",
        [&](int) { return Samples::of(1, [&] { cohort::pmap([](int x) { return x; }, cohort::range(1, items)); }); }}},
      std::min(setting.rounds, 5), 1);
  for (const auto& outcome : outcomes)
    report.row(items == 1'000'000 ? "10^6 empty items" : "10^5 empty items", outcome.name,
               {{"ns_an_item", outcome.p50 * 1000 / items}, {"over_hand", outcome.p50_ratio}});
  cohort::rmprocs(pids);
}
