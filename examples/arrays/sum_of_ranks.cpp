// The toy program of MPI: each process knows its number, and together they add the numbers up.
//
//   cohort run -p 4 build/release/bin/sum_of_ranks      prints "sum of ranks: 6"

#include <cstdio>
#include <functional>

#include <cohort/cohort.hpp>
#include <cohort/spmd.hpp>

namespace {

int sum_of_ranks(cohort::Team& team) {
  // The ring: each rank sends its number to the next one.
  const int next = (team.rank() + 1) % team.size();
  const int before = (team.rank() + team.size() - 1) % team.size();
  team.send(team.rank(), next);
  if (team.receive<int>(before) != before) throw cohort::Error("the ring is broken");

  team.barrier();
  return team.all_reduce(std::plus<>(), team.rank());
}

}  // namespace

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  if (cohort::nprocs() == 1) cohort::addprocs(4);
  const auto sums = cohort::spmd(cohort::workers(), cohort::fn<sum_of_ranks>);
  std::printf("sum of ranks: %d\n", sums.front());
}
