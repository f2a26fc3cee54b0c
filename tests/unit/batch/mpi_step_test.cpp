#include "mpi/mpi_step.hpp"

#include <string>

#include <gtest/gtest.h>

namespace cohort_mpi {
namespace {

// What `mpiexec --version` prints: Open MPI 4.1.4, MPICH 4.0.2; then as their manuals have it.
TEST(MpiLauncher, IsKnownByItsVersion) {
  EXPECT_EQ(launcher_of("mpiexec (OpenRTE) 4.1.4\n\nReport bugs to http://www.open-mpi.org/community/help/\n"),
            Launcher::open_mpi);
  EXPECT_EQ(launcher_of("mpiexec (Open MPI) 5.0.3\n"), Launcher::open_mpi);
  EXPECT_EQ(launcher_of("HYDRA build details:\n    Version:                                 4.0.2\n"), Launcher::hydra);
  EXPECT_EQ(launcher_of("Intel(R) MPI Library for Linux* OS, Version 2021.9\n"), Launcher::hydra);
  EXPECT_EQ(launcher_of("another one\n"), Launcher::other);
}

TEST(MpiLauncher, SaysWhyItHasEndedAll) {
  EXPECT_EQ(why_all_ended("cohort-task 0 4711 vm\n"
                          "mpiexec noticed that process rank 2 with PID 0 on node vm exited on signal 9 (Killed).\n"),
            "mpiexec noticed that process rank 2 with PID 0 on node vm exited on signal 9 (Killed).");
  EXPECT_EQ(why_all_ended("the job to be terminated. The first process to do so was:\n\n"
                          "  Process name: [[10698,1],2]\n  Exit code:    7\n----\n"),
            "Process name: [[10698,1],2], Exit code:    7");
  EXPECT_EQ(why_all_ended("=   BAD TERMINATION OF ONE OF YOUR APPLICATION PROCESSES\n=   PID 8239 RUNNING AT vm\n"
                          "=   EXIT CODE: 9\n=   CLEANING UP REMAINING PROCESSES\n"),
            "PID 8239 RUNNING AT vm, EXIT CODE: 9");
  EXPECT_EQ(why_all_ended("cohort-task 0 4711 vm\nProcess name: mine\n"), "");
}

}  // namespace
}  // namespace cohort_mpi
