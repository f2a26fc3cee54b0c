// A SharedArray is for the processes of one host.

#include <string>
#include <vector>

#include <cohort/cohort.hpp>
#include <cohort/shared_array.hpp>

#include "ssh_hosts.hpp"

namespace cohort::test {
namespace {

class SharedArrayHostsTest : public SshHostsTest {};

TEST_F(SharedArrayHostsTest, AProcessOfAnotherHostIsRefusedByName) {
  HostBed& bed = start_hosts(1);
  SKIP_UNLESS_ISOLATED(bed);
  const Pid near = addprocs(1).front();
  const Pid far = add_ssh_workers(ssh_options(bed)).front();
  const std::string there = remotecall_fetch(fn<host_name_here>, far), here = host_name_here();
  const SharedArray<int, 1> array({100});
  EXPECT_EQ(array.pids(), (std::vector<Pid>{near})) << "the workers of this host";
  const std::string sent = thrown_by<RemoteException>(
      [&] { remotecall_fetch([](const SharedArray<int, 1>& it) { return it[0]; }, far, array); });
  EXPECT_TRUE(contains(sent, "a SharedArray of host '" + here + "' cannot be used on host '" + there + "'")) << sent;
  const std::string listed = thrown_by<Error>([&] { SharedArray<int, 1>({100}, {.pids = {near, far}}); });
  EXPECT_TRUE(contains(listed, "process " + std::to_string(far) + " is on ")) << listed;
  EXPECT_EQ(remotecall_fetch([](const SharedArray<int, 1>& it) { return it.size(); }, near, array), 100u);
}

}  // namespace
}  // namespace cohort::test
