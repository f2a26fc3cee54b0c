// What Open MPI takes, in microseconds, one line for each time: mpi_floor gather TIMES COUNT, mpi_floor allreduce TIMES

#include <mpi.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

template <class Action>
void measure(int times, int rank, Action&& action) {
  action();  // connections, pages
  for (int i = 0; i < times; i++) {
    MPI_Barrier(MPI_COMM_WORLD);
    const double start = MPI_Wtime();
    action();
    if (rank == 0) std::printf("%.3f\n", (MPI_Wtime() - start) * 1e6);
  }
}

void gather(int times, int rank, int size, int count) {
  const int each = count / (size - 1);
  std::vector<int> counts(static_cast<std::size_t>(size), each), places(static_cast<std::size_t>(size));
  counts[0] = 0;
  for (int i = 1; i < size; i++) places[static_cast<std::size_t>(i)] = (i - 1) * each;
  const int own = rank == 0 ? 0 : each;
  const std::vector<double> part(static_cast<std::size_t>(own), 1.0);
  std::vector<double> all(static_cast<std::size_t>(rank == 0 ? count : 0));
  measure(times, rank, [&] {
    MPI_Gatherv(part.data(), own, MPI_DOUBLE, all.data(), counts.data(), places.data(), MPI_DOUBLE, 0, MPI_COMM_WORLD);
  });
}

void all_reduce(int times, int rank) {
  const double own = rank;
  double sum = 0;
  measure(times, rank, [&] { MPI_Allreduce(&own, &sum, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD); });
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int rank = 0, size = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  if (argc == 4 && std::strcmp(argv[1], "gather") == 0)
    gather(std::atoi(argv[2]), rank, size, std::atoi(argv[3]));
  else if (argc == 3 && std::strcmp(argv[1], "allreduce") == 0)
    all_reduce(std::atoi(argv[2]), rank);
  else
    MPI_Abort(MPI_COMM_WORLD, 2);
  MPI_Finalize();
}
