#include "base/cpus.hpp"

#include <sched.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gtest/gtest.h>

#include <cohort/cpus.hpp>

namespace cohort {
namespace {

namespace fs = std::filesystem;

class CpuQuotaTest : public testing::Test {
 protected:
  CpuQuotaTest() {
    std::string pattern = fs::temp_directory_path() / "cohort-cpus.XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary directory");
    directory_ = pattern;
  }
  ~CpuQuotaTest() override { fs::remove_all(directory_); }

  void write(const std::string& file, const std::string& text) const {
    fs::create_directories((directory_ / file).parent_path());
    std::ofstream(directory_ / file) << text << '\n';
  }
  std::optional<double> quota(const std::string& groups) const {
    write("groups", groups);
    return cpu_quota(directory_ / "groups", directory_ / "mount");
  }

 private:
  fs::path directory_;
};

TEST_F(CpuQuotaTest, IsThatOfTheGroupOrOfATighterParent) {
  write("mount/slice/job/cpu.max", "400000 100000");
  EXPECT_EQ(quota("0::/slice/job"), 4.0);
  write("mount/slice/cpu.max", "150000 100000");
  EXPECT_EQ(quota("0::/slice/job"), 1.5);
  write("mount/slice/cpu.max", "max 100000");
  EXPECT_EQ(quota("0::/slice/job"), 4.0);
}

// The group's name is the host's, and the mount begins at the container's own group.
TEST_F(CpuQuotaTest, IsFoundInAContainer) {
  write("mount/cpu.max", "50000 100000");
  EXPECT_EQ(quota("0::/system.slice/docker-1234.scope"), 0.5);
}

TEST_F(CpuQuotaTest, IsFoundInVersionOne) {
  write("mount/cpu/job/cpu.cfs_quota_us", "200000");
  write("mount/cpu/job/cpu.cfs_period_us", "100000");
  EXPECT_EQ(quota("5:memory:/other\n4:cpu,cpuacct:/job\n0::/"), 2.0);
  write("mount/cpu/job/cpu.cfs_quota_us", "-1");
  EXPECT_EQ(quota("4:cpu,cpuacct:/job"), std::nullopt);
}

TEST_F(CpuQuotaTest, IsNoneWhereNothingIsSaid) {
  EXPECT_EQ(quota(""), std::nullopt);
  EXPECT_EQ(quota("0::/"), std::nullopt);
  EXPECT_EQ(quota("nonsense"), std::nullopt);
  write("mount/cpu.max", "nonsense");
  EXPECT_EQ(quota("0::/"), std::nullopt);
  write("mount/cpu.max", "100000 0");
  EXPECT_EQ(quota("0::/"), std::nullopt);
}

TEST(UsableCpus, AreThoseThatTheThreadIsBoundTo) {
  int seen = 0;
  std::thread([&] {  // bound by itself
    cpu_set_t all, one;
    CPU_ZERO(&one);
    sched_getaffinity(0, sizeof all, &all);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
      if (!CPU_ISSET(cpu, &all)) continue;
      CPU_SET(cpu, &one);
      break;
    }
    sched_setaffinity(0, sizeof one, &one);
    seen = usable_cpus();
  })
      .join();
  EXPECT_EQ(seen, 1);
}

}  // namespace
}  // namespace cohort
