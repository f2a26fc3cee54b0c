#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <cohort/arrays.hpp>
#include <cohort/cohort.hpp>
#include <cohort/spmd.hpp>

#include "arrays/groups.hpp"
#include "arrays/loops.hpp"
#include "arrays/mpi.hpp"
#include "arrays/reducing_processes.hpp"
#include "rounds.hpp"

namespace {

using Square = cohort::DArray<double, 2>;

constexpr std::size_t bulk_count = (64 << 20) / sizeof(double);

struct Message {
  char bytes[64];
};
Message echo(const Message& message) { return message; }
long size_of(const cohort::Array<double>& array) { return static_cast<long>(array.size()); }

Samples round_trips(cohort::Pid pid, int count) {
  const Message message{};
  return Samples::of(count, [&] { cohort::remotecall_fetch(cohort::fn<echo>, pid, message); });
}

// Times of something that a worker does with the other one, in microseconds.
template <class Action>
std::vector<double> times_of(int count, Action&& action) {
  std::vector<double> times;
  for (int i = 0; i < count; i++) {
    const auto start = Samples::Clock::now();
    action();
    times.push_back(std::chrono::duration<double, std::micro>(Samples::Clock::now() - start).count());
  }
  return times;
}

// The row of the other one that is next to its own, as a stencil fetches it.
std::vector<double> get_next_row(const Square& square, int count) {
  const auto box = square.local_box();
  const std::size_t n = square.extents()[0], row = box.begin[0] == 0 ? box.end[0] : box.begin[0] - 1;
  return times_of(count, [&] { square.get({{row, 0}, {row + 1, n}}); });
}

std::vector<double> call_neighbour(const Square& square, int count) {
  const auto pids = square.pids();
  const cohort::Pid other = cohort::myid() == pids[0] ? pids[1] : pids[0];
  const Message message{};
  return times_of(count, [&] { cohort::remotecall_fetch(cohort::fn<echo>, other, message); });
}

// On both workers at the same time.
template <class F>
Contender on_both(std::string name, F f, const Square& square) {
  return {std::move(name), [f, &square](int count) {
            Samples samples(2 * count);
            for (auto& [pid, times] : cohort::fetch_all(square.pids(), f, square, count))
              for (const double each : times.fetch()) samples.add(each);
            return samples;
          }};
}

}  // namespace

void gathering(Report& report, int rounds) {
  const auto pids = cohort::addprocs(floors::workers);
  {
    const cohort::Array<double> array(std::vector<double>(bulk_count, 1.0));
    const cohort::NdArray<double, 1> local(cohort::Extents<1>{bulk_count}, 1.0);
    const auto distributed = cohort::distribute(local);
    std::vector<Contender> contenders{
        {"cohort Array<double> to a worker",
         [&](int n) { return Samples::of(n, [&] { cohort::remotecall_fetch(cohort::fn<size_of>, pids[0], array); }); }},
        {"cohort distribute",
         [&](int n) {
           Samples samples(n);
           for (int i = 0; i < n; i++) {
             const auto start = Samples::Clock::now();
             auto made = cohort::distribute(local);
             samples.add(Samples::Clock::now() - start);
             made.close();
           }
           return samples;
         }},
        {"cohort gather", [&](int n) { return Samples::of(n, [&] { distributed.gather(); }); }}};
    if (floors::has_mpi())
      contenders.push_back(
          {"Open MPI gather", [](int n) { return floors::mpi_gather(floors::workers, bulk_count, n); }});
    const std::string section = "64 MiB of doubles, 2 workers";
    for (const auto& outcome : compare(contenders, rounds, 1))
      report.row(section, outcome.name,
                 {{"GB_per_s", bulk_count * sizeof(double) / 1e9 / (outcome.p50 * 1e-6)},
                  {"share_of_array", 1 / outcome.p50_ratio}});
    for (const char* name : {"cohort distribute", "cohort gather"})
      report.target(section, name, "share_of_array", Report::Limit::at_least, 0.9);
  }
  cohort::rmprocs(pids);
}

void halo(Report& report, int rounds, std::size_t n) {
  const auto pids = cohort::addprocs(floors::workers);
  {
    // Cut between rows: the workers have one neighbour each.
    const Square square = cohort::drand({n, n}, {.layout = {.grid = {floors::workers, 1}}});
    const std::string exchange = fmt::format("exchange of the halos of {}^2 doubles, 2 workers at once", n);
    const std::string ours = "cohort get of the next row";
    for (const auto& outcome :
         compare({on_both("cohort call of 64 bytes", cohort::fn<call_neighbour>, square),
                  on_both(ours, cohort::fn<get_next_row>, square),
                  {"cohort call of 64 bytes, alone", [&](int count) { return round_trips(pids[0], count); }}},
                 rounds, 200))
      report.row(exchange, outcome.name, {{"us", outcome.p50}, {"round_trips", outcome.p50_ratio}});
    report.target(exchange, ours, "round_trips", Report::Limit::at_most, 3);

    const auto from = std::make_unique_for_overwrite<double[]>(n * n);
    floors::fill(from.get(), n * n, 1);
    const auto stencil_with = [&](std::size_t width, auto f) {
      return [&square, width, f](int count) {
        return Samples::of(count,
                           [&] { cohort::stencil(square, {.width = width, .boundary = cohort::wrap}, f).close(); });
      };
    };
    for (const auto& outcome : compare(
             {{"OpenMP, memory allocated and freed",
               [&](int count) {
                 return Samples::of(count, [&] {
                   const auto to = std::make_unique_for_overwrite<double[]>(n * n);
                   floors::average(to.get(), from.get(), n);
                 });
               }},
              {"cohort stencil of 4 neighbours",
               stencil_with(1, [](const auto& at) { return 0.25 * (at(-1, 0) + at(1, 0) + at(0, -1) + at(0, 1)); })},
              {"cohort stencil of no neighbour", stencil_with(0, [](const auto& at) { return 0.25 * at(0, 0); })}},
             rounds, 1))
      report.row(fmt::format("stencil of {}^2 doubles into a new array, 2 workers", n), outcome.name,
                 {{"ms", outcome.p50 / 1000}, {"over_openmp", outcome.p50_ratio}});
  }
  cohort::rmprocs(pids);
}

void creation(Report& report, int rounds) {
  const auto pids = cohort::addprocs(64);
  const std::string section = "a DArray on 64 workers", ours = "cohort dzeros";
  for (const auto& outcome : compare({{"cohort everywhere, an empty function",
                                       [&](int n) { return Samples::of(n, [&] { cohort::everywhere(pids, [] {}); }); }},
                                      {ours,
                                       [&](int n) {
                                         Samples samples(n);
                                         for (int i = 0; i < n; i++) {
                                           const auto start = Samples::Clock::now();
                                           auto made = cohort::dzeros({64}, {.pids = pids});
                                           samples.add(Samples::Clock::now() - start);
                                           made.close();
                                         }
                                         return samples;
                                       }}},
                                     rounds, 20))
    report.row(section, outcome.name, {{"us", outcome.p50}, {"over_everywhere", outcome.p50_ratio}});
  report.target(section, ours, "over_everywhere", Report::Limit::at_most, 3);
  cohort::rmprocs(pids);
}

void all_reduce(Report& report, int rounds) {
  constexpr int ranks = 16;
  const auto pids = cohort::addprocs(ranks);
  const std::string section = "all_reduce of 8 bytes, 16 workers", ours = "cohort Team::all_reduce";
  std::vector<Contender> contenders{
      {"cohort call of 64 bytes", [&](int n) { return round_trips(pids[0], n); }},
      {ours, [&](int n) {
         Samples samples(n);
         const auto times = cohort::spmd(
             pids,
             [](cohort::Team& team, int count) {
               std::vector<double> microseconds;
               for (int i = 0; i < count; i++) {
                 const auto start = Samples::Clock::now();
                 team.all_reduce(std::plus<>(), 1.0);
                 microseconds.push_back(
                     std::chrono::duration<double, std::micro>(Samples::Clock::now() - start).count());
               }
               return microseconds;
             },
             n);
         for (const double each : times[0]) samples.add(each);
         return samples;
       }}};
  floors::ReducingProcesses processes(ranks);
  contenders.push_back(
      {"processes and sockets, one adds up", [&](int n) { return Samples::of(n, [&] { processes.all_reduce(1); }); }});
  if (floors::has_mpi())
    contenders.push_back({"Open MPI allreduce", [](int n) { return floors::mpi_all_reduce(ranks, n); }});
  for (const auto& outcome : compare(contenders, rounds, 100))
    report.row(section, outcome.name, {{"us", outcome.p50}, {"round_trips", outcome.p50_ratio}});
  report.target(section, ours, "round_trips", Report::Limit::at_most, 2 * std::log2(ranks));
  cohort::rmprocs(pids);
}
