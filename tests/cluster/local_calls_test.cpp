// Group N: calls to the own process are the same functions, without copies.

#include <unistd.h>

#include <cstdint>
#include <vector>

#include "cluster_test.hpp"

namespace cohort::test {
namespace {

TEST(LocalCalls, AFetchRunsOnTheCallingThreadAndSharesItsArguments) {
  const std::vector<int> v{0};
  remotecall_fetch(
      [](const std::vector<int>& shared, int caller, std::uintptr_t data) {
        EXPECT_EQ(gettid(), caller);
        EXPECT_EQ(reinterpret_cast<std::uintptr_t>(shared.data()), data);
      },
      myid(), v, gettid(), reinterpret_cast<std::uintptr_t>(v.data()));
}

TEST(LocalCalls, TheOthersRunByThemselves) {
  Future<int> gate(myid());
  auto future = remotecall(
      [](Future<int> f, int caller) {
        EXPECT_NE(gettid(), caller);
        return f.fetch();
      },
      myid(), gate, gettid());
  EXPECT_FALSE(future.ready());
  EXPECT_EQ(spawnat(myid(), [] { return 1; }).fetch(), 1);  // the blocked one is not in its way
  gate.put(5);
  EXPECT_EQ(future.fetch(), 5);
  EXPECT_THROW(remotecall_wait([] { throw Error("no"); }, myid()), RemoteException);
}

TEST(LocalCalls, AFuturesValueIsShared) {
  Future<std::vector<int>> future(myid());
  future.put(std::vector<int>{1, 2, 3});
  const auto* here = future.fetch().data();
  const auto there = remotecall(
      [](Future<std::vector<int>> f) { return reinterpret_cast<std::uintptr_t>(f.fetch().data()); }, myid(), future);
  EXPECT_EQ(there.fetch(), reinterpret_cast<std::uintptr_t>(here));
}

TEST(LocalCalls, AHundredThousandLeaveNothing) {
  for (int i = 0; i < 100'000; i++)
    ASSERT_EQ(spawnat(
                  myid(), [](int x) { return x; }, i)
                  .fetch(),
              i);
  EXPECT_EQ(reference_count(myid()), 0u);
}

TEST(LocalCalls, NestedOnesDoNotDeadlock) {
  EXPECT_EQ(
      spawnat(myid(), [] { return spawnat(myid(), [] { return spawnat(myid(), [] { return 3; }).fetch(); }).fetch(); })
          .fetch(),
      3);
}

}  // namespace
}  // namespace cohort::test
