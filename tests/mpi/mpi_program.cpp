// An MPI program that uses cohort, compiled with each implementation of MPI.
//   program           two clusters after each other, and MPI before, between, within and after them
//   program init      begins MPI by MPI_Init, at a thread level that is too low
//   program without   makes a cluster without MPI_Init
//   program throw     an exception leaves the block of the master, and is caught
//   program die       a worker ends while it is called
//   program workers   the workers of `cohort run -m mpi` use MPI among themselves

#include <unistd.h>

#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>

#include <cohort/cohort.hpp>
#include <cohort/mpi.hpp>
#include <cohort/spmd.hpp>

namespace {

int sum(int (*reduce)(const void*, void*, int, MPI_Datatype, MPI_Op, MPI_Comm)) {
  int rank = 0, result = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  reduce(&rank, &result, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  return result;
}

int rank_here() {
  int rank = -1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  return rank;
}

void use(const std::string& what) {
  cohort::mpi::Cluster cluster(MPI_COMM_WORLD);
  if (!cluster.is_master()) return;
  if (what == "throw") throw std::runtime_error("the master has had enough");
  const auto all = cohort::procs();
  std::string ranks;
  for (const auto pid : all) {
    const int rank = pid == 1 ? rank_here() : cohort::remotecall_fetch([] { return rank_here(); }, pid);
    ranks += " " + std::to_string(pid) + ":" + std::to_string(rank);
  }
  std::printf("ranks%s\n", ranks.c_str());
  std::fflush(stdout);
  if (what == "die") {
    try {
      cohort::remotecall_fetch([] { ::_exit(5); }, all.back());
    } catch (const cohort::ProcessExitedException& error) {
      std::printf("lost: %s\n", error.what());
      std::fflush(stdout);
    }
    return;
  }
  const auto by_cohort =
      cohort::spmd(all, [](cohort::Team& team) { return team.all_reduce(std::plus<>(), team.rank()); });
  const auto by_mpi = cohort::spmd(all, [](cohort::Team&) { return sum(MPI_Allreduce); });
  std::printf("cohort %d, MPI in functions %d\n", by_cohort.front(), by_mpi.back());
  std::fflush(stdout);
}

int master_of_workers(int argc, char** argv) {
  cohort::Session session(argc, argv);
  const auto begun = cohort::spmd(cohort::workers(), [](cohort::Team&) {
    int level = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &level);
    return level >= MPI_THREAD_SERIALIZED;
  });
  const auto sums = cohort::spmd(cohort::workers(), [](cohort::Team&) { return sum(MPI_Allreduce); });
  if (argc > 2) {
    try {
      cohort::remotecall_fetch([] { ::_exit(5); }, cohort::workers().back());
    } catch (const cohort::ProcessExitedException& error) {
      std::printf("lost: %s\n", error.what());
    }
    return 0;
  }
  cohort::spmd(cohort::workers(), [](cohort::Team&) { MPI_Finalize(); });
  std::printf("%zu workers, level %s, sum %d\n", sums.size(), begun.front() ? "good" : "too low", sums.front());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "workers" || what == "--cohort-worker") return master_of_workers(argc, argv);
  int level = 0;
  if (what == "init")
    MPI_Init(&argc, &argv);
  else if (what != "without")
    MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &level);
  try {
    use(what);
    if (what.empty()) use(what);
  } catch (const std::exception& error) {
    std::printf("error: %s\n", error.what());
  }
  if (what == "without") return 0;
  const int after = sum(MPI_Allreduce);
  if (rank_here() == 0) std::printf("after it %d\n", after);
  MPI_Finalize();
  return 0;
}
