// Which processes share a host.

#include "cluster_test.hpp"
#include "processes.hpp"

namespace cohort::test {
namespace {

class HostsTest : public ClusterTest {
 protected:
  static constexpr const char* elsewhere = "unshare --user --map-root-user --uts sh -c 'hostname elsewhere; exec ";
  TemporaryDirectory directory_;
};

TEST_F(HostsTest, ProcessesBesideAnotherAreThoseOfItsHost) {
  if (std::system("unshare --user --map-root-user --uts hostname elsewhere 2>/dev/null") != 0)
    GTEST_SKIP() << "a process cannot get a host name of its own here";
  addprocs(2);
  AddprocsOptions options;
  options.exename = directory_.script("there", elsewhere + ("\"$0\" \"$@\"' " + this_program()) + " \"$@\"");
  addprocs(2, options);
  EXPECT_EQ(procs(1), (std::vector<Pid>{1, 2, 3}));
  EXPECT_EQ(procs(3), (std::vector<Pid>{1, 2, 3}));
  EXPECT_EQ(procs(4), (std::vector<Pid>{4, 5}));
  for (const Pid asked : procs()) EXPECT_EQ(remotecall_fetch([] { return procs(5); }, asked), procs(4));
  rmprocs(4);
  EXPECT_EQ(procs(5), std::vector<Pid>{5});
  EXPECT_TRUE(contains(thrown_by([] { procs(4); }), "process 4 exited"));
  EXPECT_TRUE(contains(thrown_by([] { remotecall_fetch([] { return procs(9); }, 2); }), "no process with id 9"));
}

}  // namespace
}  // namespace cohort::test
