// Group K: many items through three processes.

#include <utility>
#include <vector>

#include "cluster_test.hpp"

namespace cohort::test {
namespace {

using ChannelPipelineTest = ClusterTest;

constexpr std::size_t batch = 1000;

void produce(const RemoteChannel<long>& out, long count) {
  std::vector<long> items;
  for (long i = 0; i < count; i++) {
    items.push_back(i);
    if (items.size() == batch || i == count - 1) out.put_all(std::exchange(items, {}));
  }
}

void double_all(const RemoteChannel<long>& in, const RemoteChannel<long>& out) {
  try {
    for (;;) {
      auto items = in.take_some(batch);
      for (long& item : items) item *= 2;
      out.put_all(items);
    }
  } catch (const ChannelClosedError&) {
  }
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr long items = 100'000;
#else
constexpr long items = 1'000'000;
#endif

TEST_F(ChannelPipelineTest, AMillionItemsInBatchesArriveInOrder) {
  addprocs(2);
  RemoteChannel<long> raw(10 * batch, 3), doubled(10 * batch);
  bind(raw, remotecall(fn<produce>, 2, raw, items));
  bind(doubled, remotecall(fn<double_all>, 3, raw, doubled));
  long next = 0;
  try {
    for (;;) {
      for (long item : doubled.take_some(batch)) {
        ASSERT_EQ(item, 2 * next);
        next++;
      }
    }
  } catch (const ChannelClosedError&) {
  }
  EXPECT_EQ(next, items);
}

TEST_F(ChannelPipelineTest, ItemsOneByOneArriveInOrder) {
  constexpr long few_items = 20'000;
  addprocs(2);
  RemoteChannel<long> raw(1000, 3), doubled(1000);
  bind(raw, remotecall(
                [](const RemoteChannel<long>& out, long count) {
                  for (long i = 0; i < count; i++) out.put(i);
                },
                2, raw, few_items));
  bind(doubled, remotecall(
                    [](const RemoteChannel<long>& in, const RemoteChannel<long>& out) {
                      for (long item : in) out.put(2 * item);
                    },
                    3, raw, doubled));
  long next = 0;
  for (long item : doubled) {
    ASSERT_EQ(item, 2 * next);
    next++;
  }
  EXPECT_EQ(next, few_items);
}

}  // namespace
}  // namespace cohort::test
