// That of insides of the library.

#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "measure.hpp"
#include "membership/members.hpp"
#include "membership/router.hpp"
#include "parallel/pool_state.hpp"

namespace cohort::growth {
namespace {

// A cluster with any number of workers, as far as a pool can tell.
class ManyProcesses final : public Router {
 public:
  explicit ManyProcesses(int workers) : processes_(static_cast<std::size_t>(workers) + 1) {
    std::iota(processes_.begin(), processes_.end(), master_pid);
  }
  std::vector<Pid> workers() const { return {processes_.begin() + 1, processes_.end()}; }
  void lose_every_other_one() {
    std::erase_if(processes_, [](Pid pid) { return pid % 2 == 0; });
  }

  Pid self() const override { return master_pid; }
  Reactor& reactor() override { return reactor_; }
  std::vector<Pid> processes() override { return processes_; }
  // Not used by a pool:
  std::shared_ptr<Connection> connection_to(Pid) override { return nullptr; }
  std::shared_ptr<Connection> existing_connection(Pid) override { return nullptr; }
  bool may_connect(Pid) override { return false; }
  bool is_gone(Pid) override { return false; }
  BlockingPool& blocking() override { std::abort(); }
  LocalCalls& local_calls() override { std::abort(); }
  ParallelState& parallel() override { std::abort(); }

 private:
  Reactor reactor_{{}};
  std::vector<Pid> processes_;
};

TEST(GrowthOfAPool, Members) {
  expect_linear("members of a pool", [](int count) {
    ManyProcesses cluster(count);
    const CpuTime cpu({getpid()});
    detail::PoolState pool(master_pid, cluster.workers(), nullptr), all(master_pid);
    all.refresh(cluster);
    std::vector<Pid> taken;
    for (int i = 0; i < count; i++) taken.push_back(pool.take({}));
    for (const Pid pid : taken) pool.put(pid);
    for (const Pid pid : taken) pool.put(pid);  // once too often: nothing comes of it
    cluster.lose_every_other_one();
    pool.refresh(cluster);
    all.refresh(cluster);
    EXPECT_EQ(pool.size(), static_cast<std::size_t>(count / 2));
    EXPECT_EQ(all.workers(), pool.workers());
    return cpu.seconds();
  });
}

TEST(GrowthOfACluster, Places) {
  expect_linear("places of members", [](int count) {
    const CpuTime cpu({getpid()});
    Members members;
    for (int i = 0; i < count; i++) {
      MemberInfo member;
      member.pid = i + 2;
      member.place = members.free_place();
      members.add(member);
    }
    for (int i = 0; i < count; i += 2) members.remove(i + 2);
    EXPECT_EQ(members.free_place(), 0);
    return cpu.seconds();
  });
}

}  // namespace
}  // namespace cohort::growth
