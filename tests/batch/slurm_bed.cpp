#include "slurm_bed.hpp"

#include <cstdlib>
#include <filesystem>

#include "../cli/tool.hpp"
#include "test_programs.hpp"

namespace cohort::test {

SlurmBed::SlurmBed() : program_(COHORT_TESTBED "/slurm") {
  if (!runs()) return;
  ::setenv("SLURM_CONF", program_.line().c_str(), 1);
  ::setenv("XDG_STATE_HOME", (directory() + "/home").c_str(), 1);
}

SlurmBed::~SlurmBed() {
  ::unsetenv("SLURM_CONF");
  ::unsetenv("XDG_STATE_HOME");
}

std::string SlurmBed::directory() const { return std::filesystem::path(program_.line()).parent_path(); }

std::string SlurmBed::queue() { return run_script("squeue --noheader --format='%i %j %T'").out; }

}  // namespace cohort::test
