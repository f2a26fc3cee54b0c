#include "mpi_bed.hpp"

#include "../cli/tool.hpp"

namespace cohort::test {

bool Mpi::is_here() const { return run_script("command -v mpiexec." + name_).code == 0; }

std::string Mpi::mpiexec() const {
  if (name_ != "openmpi") return "mpiexec." + name_;
  return "env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpiexec." + name_ + " --oversubscribe";
}

}  // namespace cohort::test
