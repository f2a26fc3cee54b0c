#pragma once

#include <mpi.h>

#include <string>
#include <vector>

#include <cohort/detail/mpi_membership.hpp>
#include <cohort/error.hpp>

// An MPI program that uses cohort as well. See docs/mpi.md. Link to cohort::mpi, and to any implementation of MPI.

// All of it is in this header, and belongs to whoever includes it: programs of different implementations of MPI use the
// same library.
namespace cohort {
namespace mpi {

namespace detail {

class MpiCommunicator final : public Communicator {
 public:
  explicit MpiCommunicator(MPI_Comm comm) : comm_(comm) {
    int begun = 0, ended = 0;
    MPI_Initialized(&begun);
    MPI_Finalized(&ended);
    if (begun == 0 || ended != 0)
      throw Error("a cohort::mpi::Cluster lives between MPI_Init_thread() and MPI_Finalize()");
  }

  int rank() override {
    int rank = 0;
    check(MPI_Comm_rank(comm_, &rank));
    return rank;
  }
  int size() override {
    int size = 0;
    check(MPI_Comm_size(comm_, &size));
    return size;
  }
  std::string problem() override {
    int level = MPI_THREAD_SINGLE;
    check(MPI_Query_thread(&level));
    if (level >= MPI_THREAD_SERIALIZED) return "";
    return std::string("MPI works at the thread level ") +
           (level == MPI_THREAD_SINGLE ? "MPI_THREAD_SINGLE" : "MPI_THREAD_FUNNELED") +
           ", and functions of cohort run on other threads than main(). In place of MPI_Init(&argc, &argv): int level; "
           "MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &level), or MPI_THREAD_MULTIPLE if several threads of "
           "a process call MPI at the same time";
  }
  bool all(bool holds) override {
    int mine = holds ? 1 : 0, all = 0;
    check(MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_LAND, comm_));
    return all != 0;
  }
  std::string scatter(const std::vector<std::string>& texts) override {
    std::string together;
    std::vector<int> sizes, begins;
    for (const std::string& text : texts) {
      begins.push_back(static_cast<int>(together.size()));
      sizes.push_back(static_cast<int>(text.size()));
      together += text;
    }
    int size = 0;
    check(MPI_Scatter(sizes.data(), 1, MPI_INT, &size, 1, MPI_INT, 0, comm_));
    std::string mine(static_cast<std::size_t>(size), '\0');
    check(MPI_Scatterv(together.data(), sizes.data(), begins.data(), MPI_CHAR, mine.data(), size, MPI_CHAR, 0, comm_));
    return mine;
  }

 private:
  // By default MPI ends the program at an error, and nothing is returned.
  static void check(int code) {
    if (code == MPI_SUCCESS) return;
    char text[MPI_MAX_ERROR_STRING] = "";
    int size = 0;
    MPI_Error_string(code, text, &size);
    throw Error(std::string("MPI: ") + text);
  }

  const MPI_Comm comm_;
};

}  // namespace detail

/// The processes of a communicator as one cluster:
///
///     int level;
///     MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &level);
///     if (cohort::mpi::Cluster cluster(MPI_COMM_WORLD); cluster.is_master())
///       std::printf("%d\n", cohort::remotecall_fetch([] { return cohort::myid(); }, 3));
///     MPI_Finalize();
///
/// All ranks make it, as they call a collective function. Rank 0 goes on as the master, in the thread that made it,
/// where the free functions (pmap, spmd, remotecall ...) act on this cluster; rank r is the process r + 1. On the other
/// ranks the constructor returns when the cluster of rank 0 ends: until then they are workers, and run its functions on
/// threads of cohort. Afterwards all ranks go on as an MPI program, which may make another cluster.
///
/// The functions may call MPI: a collective call belongs into a function that runs on all ranks at the same time, as by
/// spmd(procs(), f). Needs the thread level MPI_THREAD_SERIALIZED; MPI_THREAD_MULTIPLE, if several threads of a process
/// call MPI at the same time. Messages of cohort travel by its own transport.
class Cluster {
 public:
  /// Calls MPI in this thread. @throws Error on all ranks if the thread level of one is too low; on rank 0 if a rank
  /// has not joined within `options.timeouts.launch`; on another rank if it cannot join, or if rank 0 is lost.
  explicit Cluster(MPI_Comm comm, const ClusterOptions& options = {}) : ranks_(comm), membership_(ranks_, options) {}

  /// Whether this is rank 0. On the other ranks, the cluster has ended.
  bool is_master() const { return membership_.is_master(); }

 private:
  detail::MpiCommunicator ranks_;
  detail::Membership membership_;
};

}  // namespace mpi
}  // namespace cohort
