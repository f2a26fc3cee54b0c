#include "slurm_bed.hpp"

#include <cstdlib>
#include <filesystem>
#include <utility>

#include "../cli/tool.hpp"
#include "test_programs.hpp"

namespace cohort::test {

namespace {

std::vector<std::string> with(std::vector<std::string> words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

}  // namespace

SlurmBed::SlurmBed(int cpus_of_a_node, std::vector<std::string> options)
    : program_(COHORT_TESTBED "/slurm", with(std::move(options), {"2", std::to_string(cpus_of_a_node)})) {
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
