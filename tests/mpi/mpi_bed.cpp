#include "mpi_bed.hpp"

#include "../cli/tool.hpp"

namespace cohort::test {

bool Mpi::is_here() const { return run_script("command -v mpiexec." + name_).code == 0; }

std::string Mpi::mpiexec() const {
  return environment() + " mpiexec." + name_ + (name_ == "openmpi" ? " --oversubscribe" : "");
}

// MPICH works over UCX, which writes errors to the standard output of a program if /dev/shm is there and cannot be
// written to, as in some containers. What is tested does not depend on how the ranks exchange bytes.
std::string Mpi::environment() const {
  return name_ == "openmpi" ? "env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1" : "env UCX_TLS=^posix";
}

std::string Mpi::manager_flags() const { return name_ == "openmpi" ? "-o flags=--oversubscribe" : ""; }

}  // namespace cohort::test
