#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include <gtest/gtest.h>

#include <cohort/cohort.hpp>
#include <cohort/shared_array.hpp>

#include "../cluster/cluster_test.hpp"

namespace cohort::test {

inline const std::string of_shared_arrays = "cohort-shared-array";

/// How many mappings this process has of memories or files with that in their names.
inline int count_mappings(const std::string& name) {
  int count = 0;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) count += line.find(name) != line.npos;
  return count;
}
inline int count_descriptors(const std::string& name) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    count += std::filesystem::read_symlink(entry.path(), gone).string().find(name) != std::string::npos;
  }
  return count;
}
inline int mappings_and_descriptors() { return count_mappings(of_shared_arrays) + count_descriptors(of_shared_arrays); }

/// With real processes; afterwards none of them has a mapping of an array.
class SharedArrayTest : public ClusterTest {
 protected:
  static bool nothing_is_left() {
    return eventually([] {
      for (const Pid pid : procs())
        if (remotecall_fetch(fn<mappings_and_descriptors>, pid) != 0) return false;
      return true;
    });
  }
  void TearDown() override {
    EXPECT_TRUE(nothing_is_left());
    ClusterTest::TearDown();
  }
};

}  // namespace cohort::test
