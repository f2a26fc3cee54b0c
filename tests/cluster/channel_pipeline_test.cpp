// Group K: a million items through three processes. Slower than the other tests.

#include <functional>

#include "cluster_test.hpp"

namespace cohort::test {
namespace {

using ChannelPipelineTest = ClusterTest;

TEST_F(ChannelPipelineTest, AMillionItemsArriveInOrder) {
  constexpr long items = 1'000'000;
  addprocs(2);
  RemoteChannel<long> raw(1000, 3), cooked(1000);
  bind(raw, remotecall(
                [](const RemoteChannel<long>& out, long count) {
                  for (long i = 0; i < count; i++) out.put(i);
                },
                2, raw, items));
  bind(cooked, remotecall(
                   [](const RemoteChannel<long>& in, const RemoteChannel<long>& out) {
                     for (long item : in) out.put(2 * item);
                   },
                   3, raw, cooked));
  long next = 0;
  for (long item : cooked) {
    if (item != 2 * next) FAIL() << item << " instead of " << 2 * next;
    next++;
  }
  EXPECT_EQ(next, items);
}

}  // namespace
}  // namespace cohort::test
