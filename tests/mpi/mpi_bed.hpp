#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace cohort::test {

inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// One of the implementations of MPI that can be installed beside each other.
class Mpi {
 public:
  static std::vector<Mpi> all() { return {Mpi("openmpi"), Mpi("mpich")}; }

  bool is_here() const;
  std::string why_not() const { return "there is no mpiexec." + name_ + "; scripts/install-dependencies installs it"; }
  const std::string& name() const { return name_; }
  /// Words of sh: the launcher, which lets root use it, and starts more processes than there are CPUs.
  std::string mpiexec() const;
  /// The same for the manager mpi.
  std::string environment() const;
  std::string manager_flags() const;

  static std::string name_of(const testing::TestParamInfo<Mpi>& info) { return info.param.name_; }

 private:
  explicit Mpi(std::string name) : name_(std::move(name)) {}
  std::string name_;
};

}  // namespace cohort::test
