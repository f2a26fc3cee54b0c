// The toy program of MPI, with cohort beside MPI: the ranks add their numbers up, once by MPI and once by cohort.
//
//   mpiexec -n 5 build/release/bin/mpi_sum_of_ranks      prints "sum of ranks: 10" three times

#include <cstdio>
#include <functional>

#include <cohort/cohort.hpp>
#include <cohort/mpi.hpp>
#include <cohort/spmd.hpp>

namespace {

// Of all ranks at the same time, by a collective function of MPI.
int sum_by_mpi_in_a_function() {
  int rank = 0, sum = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Allreduce(&rank, &sum, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  int level = 0, rank = 0, sum = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &level);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Reduce(&rank, &sum, 1, MPI_INT, MPI_SUM, 0, MPI_COMM_WORLD);
  if (rank == 0) std::printf("sum of ranks: %d, by MPI_Reduce\n", sum);

  if (cohort::mpi::Cluster cluster(MPI_COMM_WORLD); cluster.is_master()) {
    const auto all = cohort::procs();
    const auto by_cohort =
        cohort::spmd(all, [](cohort::Team& team) { return team.all_reduce(std::plus<>(), team.rank()); });
    std::printf("sum of ranks: %d, by cohort\n", by_cohort.front());
    const auto by_both = cohort::spmd(all, [](cohort::Team&) { return sum_by_mpi_in_a_function(); });
    std::printf("sum of ranks: %d, by MPI_Allreduce in functions of cohort\n", by_both.back());
  }
  MPI_Finalize();
}
