#pragma once

#include <sys/types.h>

#include <string>

#include <cohort/file_descriptor.hpp>

namespace cohort::test {

/// A Slurm of a test's own, with two nodes of two CPUs; see tests/testbed/slurm. It ends with this object, and with
/// this process. SLURM_CONF names it as long as it is there.
class SlurmBed {
 public:
  SlurmBed();
  ~SlurmBed();
  SlurmBed(const SlurmBed&) = delete;
  SlurmBed& operator=(const SlurmBed&) = delete;

  /// False: it is not installed, or not permitted here.
  bool runs() const { return !directory_.empty(); }
  /// Where all its files are.
  const std::string& directory() const { return directory_; }
  /// The jobs that wait, run or end, as "id name state" in lines.
  static std::string queue();

 private:
  pid_t pid_ = -1;
  FileDescriptor input_;  // its end is the end of the scheduler
  std::string directory_;
};

}  // namespace cohort::test
