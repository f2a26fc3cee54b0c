#pragma once

#include <string>
#include <vector>

#include "bed_program.hpp"

namespace cohort::test {

/// A Slurm of a test's own, with two nodes; see tests/testbed/slurm. It ends with this object, and with
/// this process. SLURM_CONF names it as long as it is there, and clusters are recorded in its directory.
class SlurmBed {
 public:
  /// @param options of that program, "--accounts".
  explicit SlurmBed(int cpus_of_a_node = 2, std::vector<std::string> options = {});
  ~SlurmBed();
  SlurmBed(const SlurmBed&) = delete;
  SlurmBed& operator=(const SlurmBed&) = delete;

  /// False: it is not installed, or not permitted here.
  bool runs() const { return !program_.line().empty(); }
  /// Where all its files are.
  std::string directory() const;
  /// The jobs that wait, run or are about to end, as "id name state" in lines.
  static std::string queue();

 private:
  BedProgram program_;
};

}  // namespace cohort::test
