// Limits, and mistakes of programs.

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/arrays.hpp>
#include <cohort/cohort.hpp>

#include "darray_test.hpp"
#include "shared_array_test.hpp"

namespace cohort::test {
namespace {

using ArrayLimits = DArrayTest;
using SharedLimits = SharedArrayTest;

TEST_F(ArrayLimits, ADimensionOfOneCyclicPartIsReduced) {
  const auto local = numbered<2>({8, 7});
  for (const DArrayOptions<2>& layout : std::vector<DArrayOptions<2>>{
           {.grid = {1, 2}, .block = {2, 0}}, {.grid = {2, 1}, .block = {0, 2}}, {.grid = {1, 1}, .block = {1, 1}}}) {
    const auto a = distribute(local, layout);
    EXPECT_EQ(sum(a, dim<0>).gather(), sum(local, dim<0>));
    EXPECT_EQ(sum(a, dim<1>).gather(), sum(local, dim<1>));
  }
}

TEST_F(ArrayLimits, NaNsAreSortedToTheEnd) {
  NdArray<double, 1> x(Extents<1>{1000});
  for (std::size_t i = 0; i < x.size(); i++) x[i] = i % 5 == 0 ? NAN : static_cast<double>(i * 7919 % 10007);
  const auto sorted = sort(distribute(x)).gather();
  ASSERT_EQ(sorted.size(), 1000u);
  EXPECT_TRUE(std::is_sorted(sorted.begin(), sorted.begin() + 800));
  for (std::size_t i = 800; i < 1000; i++) EXPECT_TRUE(std::isnan(sorted[i])) << i;
  // What is no order does not lose memory.
  const auto no_order = [](double, double) { return false; };
  EXPECT_EQ(sort(distribute(x), no_order).size(), 1000u);
}

TEST_F(ArrayLimits, AStencilIsNotWiderThanAMillion) {
  const auto f = [](const auto& at) { return at(0); };
  for (const std::size_t width : {std::size_t{1} << 63, std::size_t{1} << 40, ~std::size_t{0}}) {
    EXPECT_TRUE(contains(thrown_by<Error>([&] { stencil(dzeros({5}), {.width = width}, f); }), "is too wide"));
    EXPECT_TRUE(
        contains(thrown_by<Error>([&] { stencil(NdArray<double, 1>{1}, {.width = width}, f); }), "is too wide"));
  }
}

TEST_F(ArrayLimits, AlongAnEmptyDimensionSumsAreZero) {
  const auto a = dzeros({0, 3});
  EXPECT_EQ(sum(a, dim<0>).gather(), (NdArray<double, 2>{{0, 0, 0}}));
  EXPECT_EQ(sum(NdArray<double, 2>({0, 3}), dim<0>), (NdArray<double, 2>{{0, 0, 0}}));
  EXPECT_EQ(prod(a, dim<0>).gather(), (NdArray<double, 2>{{1, 1, 1}}));
  EXPECT_TRUE(std::isnan(mean(a, dim<0>).gather()[0]));
  EXPECT_THROW(maximum(a, dim<0>), Error);
}

TEST_F(ArrayLimits, NormsAndProductsOfIntegersDoNotOverflow) {
  const NdArray<int, 1> x{100000, 100000};
  EXPECT_NEAR(norm(x), 141421.356, 0.001);
  EXPECT_EQ(dot(x, x), 20000000000);
  EXPECT_NEAR(norm(distribute(x)), 141421.356, 0.001);
  EXPECT_EQ(dot(distribute(x), distribute(x)), 20000000000);
}

TEST_F(ArrayLimits, ArraysAreAssignedAndMadeWithTheExtentsOfOthers) {
  const auto a = dones({4, 5});
  const auto b = dzeros(a.extents());
  b.assign(a);
  EXPECT_EQ(b, a);
  b.assign(map([](double x) { return x + 1; }, a));
  EXPECT_EQ(sum(b), 40);
  EXPECT_EQ(drand(a.extents(), {.seed = 1}), drand({4, 5}, {.seed = 1}));
  EXPECT_EQ((NdArray<int, 1>{1, 2, 3, 4}).reshape({2, 2}), (NdArray<int, 2>{{1, 2}, {3, 4}}));
}

TEST_F(ArrayLimits, ARepairThatCannotBeSaysSo) {
  EXPECT_TRUE(contains(thrown_by<Error>([] { dzeros({5}, {.pids = {2}, .copies = 2}); }), "0 or 1 copies"));
  const auto a = dzeros({40}, {.pids = {2, 3}, .copies = 1});
  cluster.kill(2);
  cluster.kill(3);
  EXPECT_TRUE(eventually([] { return !detail::is_alive(2) && !detail::is_alive(3); }));
  EXPECT_THROW(a.repair(), ProcessExitedException);
}

TEST_F(ArrayLimits, AProcessReachesAllOfItsPartsAfterARepair) {
  const auto a = dones({40}, {.pids = {2, 3, 4, 5}, .copies = 1});
  cluster.kill(3);
  EXPECT_TRUE(eventually([] { return !detail::is_alive(3); }));
  a.repair();
  std::size_t elements = 0;
  for (const Pid pid : {2, 4, 5})
    elements += remotecall_fetch(
        [](const DArray<double, 1>& it) {
          std::size_t all = 0;
          for (std::size_t i = 0; i < it.local_boxes().size(); i++) {
            if (it.local_part(i).size() != it.local_boxes()[i].size()) throw Error("another part");
            all += it.local_part(i).size();
          }
          return all;
        },
        pid, a);
  EXPECT_EQ(elements, 40u);
}

TEST_F(ArrayLimits, APartWithoutMemorySaysHowMuchWasWanted) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the allocator of a sanitizer ends the process";
#endif
  const std::string text = thrown_by<Error>([] { dzeros({std::size_t{1} << 50}); });
  EXPECT_TRUE(contains(text, "has no memory for the part [0, ")) << text;
  EXPECT_TRUE(contains(text, " elements of 8 bytes")) << text;
}

TEST_F(SharedLimits, AFileThatIsOnlyReadIsNotWritten) {
  const std::string path = std::filesystem::temp_directory_path() / ("cohort-read-" + std::to_string(getpid()));
  SharedArray<int, 1>::map_file(path, {10}, {.mode = FileMode::create})[3] = 7;
  const auto read = SharedArray<int, 1>::map_file(path, {10}, {.mode = FileMode::read});
  const auto pids = addprocs(1);
  const auto write = [](const SharedArray<int, 1>& it) { it[3] = 8; };
  EXPECT_THROW(remotecall_fetch(write, pids[0], read), ProcessExitedException) << "as docs/arrays.md says";
  EXPECT_EQ(read[3], 7);
  std::filesystem::remove(path);
}

TEST_F(SharedLimits, AProcessIsListedOnce) {
  const auto pids = addprocs(1);
  EXPECT_TRUE(contains(thrown_by<Error>([&] {
                         SharedArray<int, 1>({10}, {.pids = {pids[0], pids[0]}});
                       }),
                       "listed twice"));
}

TEST_F(SharedLimits, TheModeOfAFileIsThatOfItsHandle) {
  const auto pids = addprocs(1);
  const std::string path = std::filesystem::temp_directory_path() / ("cohort-modes-" + std::to_string(getpid()));
  const auto made = SharedArray<int, 1>::map_file(path, {10}, {.mode = FileMode::create});
  const auto read = SharedArray<int, 1>::map_file(path, {10}, {.mode = FileMode::read});
  const auto places = [](const SharedArray<int, 1>& one, const SharedArray<int, 1>& other) {
    return one.data() != other.data();
  };
  EXPECT_TRUE(remotecall_fetch(places, pids[0], made, read)) << "one mapping can be written, the other cannot";
  EXPECT_TRUE(contains(thrown_by<Error>([&] { SharedArray<int, 1>::map_file("/tmp", {4}, {.mode = FileMode::read}); }),
                       "/tmp"));
  std::filesystem::remove(path);
}

TEST_F(SharedLimits, WhoComesAfterTheMakerHasEndedIsToldSo) {
  const auto pids = addprocs(1);
  const auto made = remotecall_fetch([] { return SharedArray<int, 1>({10}); }, pids[0]);
  made[0] = 7;
  rmprocs(pids);
  EXPECT_EQ(made[0], 7) << "who has it goes on";
  const Pid late = addprocs(1).front();
  const std::string text =
      thrown_by<Error>([&] { remotecall_fetch([](const SharedArray<int, 1>& it) { return it[0]; }, late, made); });
  EXPECT_TRUE(contains(text, "which made it, has ended")) << text;
}

}  // namespace
}  // namespace cohort::test
