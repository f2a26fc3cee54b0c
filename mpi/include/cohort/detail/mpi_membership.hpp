#pragma once

#include <cohort/detail/language.hpp>

#include <memory>
#include <string>
#include <vector>

#include <cohort/cluster_file.hpp>
#include <cohort/timeouts.hpp>

// What <cohort/mpi.hpp> is made of that needs no MPI. It is in the library cohort_mpi, which is therefore the same for
// all implementations of MPI.

namespace COHORT_EXPORT cohort {
namespace mpi {

struct ClusterOptions {
  Timeouts timeouts = {};        ///< `launch` is for all ranks to have joined
  TransportSpec transport = {};  ///< for the messages of cohort, which do not travel by MPI
  /// Where rank 0 listens, as the transport takes it: ADDRESS or ADDRESS:PORT. Empty: at all addresses of its host.
  std::string listen = {};
};

namespace detail {

/// A communicator of MPI, as far as it is needed. The functions but rank() and size() are called by all ranks, in the
/// same order, in the thread that makes the cluster.
class Communicator {
 public:
  virtual ~Communicator();
  virtual int rank() = 0;
  virtual int size() = 0;
  /// Why this rank cannot take part; empty: it can.
  virtual std::string problem() = 0;
  /// Whether it holds on all ranks.
  virtual bool all(bool holds) = 0;
  /// Each rank gets its text. @param texts on rank 0, in the order of the ranks.
  virtual std::string scatter(const std::vector<std::string>& texts) = 0;
};

/// On rank 0 the master, while it exists. On the others the constructor is the worker, and returns when it is one no
/// longer.
class Membership {
 public:
  /// @throws Error, on all ranks if one of them cannot take part; on rank 0 if not all join in time; on another one if
  /// it cannot join, or loses its master.
  Membership(Communicator& ranks, const ClusterOptions& options);
  /// The workers leave.
  ~Membership();
  Membership(const Membership&) = delete;
  Membership& operator=(const Membership&) = delete;

  bool is_master() const { return master_ != nullptr; }

 private:
  class COHORT_HIDDEN Master;
  std::unique_ptr<Master> master_;  // null: this is not rank 0
};

}  // namespace detail
}  // namespace mpi
}  // namespace cohort
