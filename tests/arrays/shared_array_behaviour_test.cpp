// What the tests of Julia's SharedArrays assert, more strictly; README.md has the cases one by one.

#include <unistd.h>

#include <complex>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <string>
#include <type_traits>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/algorithms.hpp>
#include <cohort/cohort.hpp>
#include <cohort/shared_array.hpp>

#include "../cluster/processes.hpp"
#include "shared_array_test.hpp"

namespace cohort::test {
namespace {

using Integer = std::int64_t;
using Vector = SharedArray<Integer, 1>;
using Matrix = SharedArray<Integer, 2>;
using Cube = SharedArray<double, 3>;
using Ranges = std::vector<std::pair<std::size_t, std::size_t>>;

class SharedArrayBehaviourTest : public SharedArrayTest {};

/// Which places each of its processes has.
template <class T, std::size_t N>
Ranges ranges_of(const SharedArray<T, N>& array) {
  const auto here = [](const SharedArray<T, N>& it) {
    const auto indices = it.local_indices();
    const auto span = it.local_span();
    if (span.size() != indices.size() || (!indices.empty() && &span[0] != &it[indices.front()]))
      throw Error("local_span() is not local_indices()");
    return indices.empty() ? std::pair<std::size_t, std::size_t>{0, 0}
                           : std::pair<std::size_t, std::size_t>{indices.front(), indices.back() + 1};
  };
  Ranges ranges;
  for (const Pid pid : array.pids()) ranges.push_back(remotecall_fetch(here, pid, array));
  return ranges;
}

template <class T>
std::vector<T> content_of(const std::string& path, std::size_t offset = 0) {
  const std::string text = text_of_file(path);
  std::vector<T> elements((text.size() - offset) / sizeof(T));
  std::copy_n(text.data() + offset, elements.size() * sizeof(T), reinterpret_cast<char*>(elements.data()));
  return elements;
}

TEST_F(SharedArrayBehaviourTest, EachPlaceIsInOnePart) {
  const auto pids = addprocs(4);
  const auto two = std::vector<Pid>{pids[0], pids[1]};
  EXPECT_EQ(ranges_of(Vector({8000})), (Ranges{{0, 2000}, {2000, 4000}, {4000, 6000}, {6000, 8000}}));
  EXPECT_EQ(ranges_of(Vector({10})), (Ranges{{0, 2}, {2, 4}, {4, 6}, {6, 10}})) << "the last one has the rest";
  EXPECT_EQ(ranges_of(Vector({11}, {.pids = {pids[2], pids[0], pids[1]}})), (Ranges{{0, 3}, {3, 6}, {6, 11}}));
  EXPECT_EQ(ranges_of(Vector({2}, {.pids = two})), (Ranges{{0, 1}, {1, 2}}));
  EXPECT_EQ(ranges_of(Vector({1}, {.pids = two})), (Ranges{{0, 1}, {0, 0}}));
  EXPECT_EQ(ranges_of(Vector({3})), (Ranges{{0, 1}, {1, 2}, {2, 3}, {0, 0}}));
  EXPECT_EQ(ranges_of(Vector({4})), (Ranges{{0, 1}, {1, 2}, {2, 3}, {3, 4}}));
  EXPECT_EQ(ranges_of(Vector({0}, {.pids = two})), (Ranges{{0, 0}, {0, 0}}));
  EXPECT_EQ(ranges_of(Matrix({24, 1}, {.pids = procs()})), (Ranges{{0, 4}, {4, 8}, {8, 12}, {12, 16}, {16, 24}}))
      << "the master may be one of them";
}

TEST_F(SharedArrayBehaviourTest, ThePartsAddUpToAll) {
  addprocs(4);
  const Cube cube({20, 20, 20}, [](Cube& part) {
    for (const std::size_t i : part.local_indices()) part[i] = static_cast<double>(i * 7919 % 1000);
  });
  double total = 0;
  for (const Pid pid : cube.pids())
    total += remotecall_fetch(
        [](const Cube& it) { return std::accumulate(it.local_span().begin(), it.local_span().end(), 0.0); }, pid, cube);
  EXPECT_EQ(total, sum(cube));
  EXPECT_EQ(total, std::accumulate(cube.begin(), cube.end(), 0.0));
}

TEST_F(SharedArrayBehaviourTest, TheEndsOfEachPartAreSeenOnBothSides) {
  addprocs(3);
  const Vector a({10});
  const auto ranges = ranges_of(a);
  for (std::size_t k = 0; k < 3; k++) {
    const auto [first, end] = ranges[k];
    a[first] = 100 + static_cast<Integer>(k);
    const auto look_and_write = [](const Vector& it, std::size_t at, std::size_t last) {
      const Integer seen = it[at];
      it[last] = -myid();
      return seen;
    };
    EXPECT_EQ(remotecall_fetch(look_and_write, a.pids()[k], a, first, end - 1), 100 + static_cast<Integer>(k));
    EXPECT_EQ(a[end - 1], -a.pids()[k]);
  }
}

TEST_F(SharedArrayBehaviourTest, WholeArraysAreFilledComparedAndCopied) {
  const auto pids = addprocs(2);
  const Cube a({10, 10, 10});
  EXPECT_EQ(a.copy(), (NdArray<double, 3>({10, 10, 10})));
  for_each([](double& x) { x = 1; }, a);
  EXPECT_EQ(a.copy(), (NdArray<double, 3>({10, 10, 10}, 1.0)));
  const Cube b({10, 10, 10});
  std::copy(a.begin(), a.end(), b.begin());
  EXPECT_EQ(b.copy(), a.copy());
  const auto flat = a.reshape<2>({100, 10});
  EXPECT_EQ(flat.copy(), (NdArray<double, 2>({100, 10}, 1.0)));
  EXPECT_EQ(thrown_by<Error>([&] { a.reshape<1>({50}); }),
            "an array of 10 x 10 x 10 elements cannot be reshaped to 50");
  EXPECT_EQ(thrown_by<Error>([&] {
              a.at({10, 0, 0});
            }),
            "the index (10, 0, 0) is outside of an array of 10 x 10 x 10 elements");
  const auto reshape_there = [](const Cube& it) {
    const auto reshaped = it.reshape<2>({20, 50});
    reshaped(19, 49) = 7;
    return reshaped;
  };
  const auto reshaped = remotecall_fetch(reshape_there, pids[1], a);
  EXPECT_EQ(reshaped.extents(), (Extents<2>{20, 50}));
  EXPECT_EQ(a(9, 9, 9), 7) << "it is the same memory";
  EXPECT_EQ(reshaped.data(), a.data());
}

TEST_F(SharedArrayBehaviourTest, ACopyChangesNoMore) {
  const auto pids = addprocs(2);
  const Vector a({100}, [](Vector& part) {
    for (Integer& x : part.local_span()) x = 5;
  });
  const auto copy = a.copy();
  EXPECT_EQ(copy, (NdArray<Integer, 1>(Extents<1>{100}, 5)));
  EXPECT_NE(copy.data(), a.data());
  const auto write = [](const Vector& it) { std::fill(it.begin(), it.begin() + 10, 1); };
  remotecall_wait(write, pids[0], a);
  EXPECT_FALSE(copy == a.copy());
  const Vector b({100});
  std::copy(copy.begin(), copy.end(), b.begin());
  std::copy(copy.begin(), copy.end(), a.begin());
  everywhere(
      pids,
      [](const Vector& it) {
        for (Integer& x : it.local_span()) x = myid();
      },
      b);
  EXPECT_EQ(a.copy(), copy) << "it has memory of its own";
  EXPECT_EQ(b[0], pids[0]);
  EXPECT_EQ(b[99], pids[1]);
}

TEST_F(SharedArrayBehaviourTest, AlgorithmsTakeIt) {
  const auto pids = addprocs(2);
  const Matrix a({10, 10}, [](Matrix& part) {
    for (Integer& x : part.local_span()) x = myid();
  });
  EXPECT_EQ(sum(a), 50 * (pids[0] + pids[1]));
  EXPECT_EQ(sum(map([](Integer) { return Integer{1}; }, a)), 100);
  for_each([](Integer& x) { x = 2; }, a);
  EXPECT_EQ(a.copy(), (NdArray<Integer, 2>({10, 10}, 2)));
  EXPECT_EQ(a.reshape<1>({100}).copy(), (NdArray<Integer, 1>(Extents<1>{100}, 2)));
  for (Integer i = 0; i < 100; i++) a[static_cast<std::size_t>(i)] = i * i % 17;
  EXPECT_EQ(a * transpose(a), a.copy() * transpose(a.copy()));
  EXPECT_EQ(sum(a, dim<0>), sum(a.copy(), dim<0>));
}

TEST_F(SharedArrayBehaviourTest, EachProcessSeesAllOfIt) {
  const auto pids = addprocs(2);
  const Vector two({2});
  two[0] = 20, two[1] = 30;
  const auto second = [](const Vector& it) { return it[1]; };
  const auto first = [](const Vector& it) { return it[0] + static_cast<Integer>(it.local_indices().size()); };
  EXPECT_EQ(remotecall_fetch(second, pids[0], two), 30);
  const Vector one({1});
  one[0] = 3;
  EXPECT_EQ(remotecall_fetch(first, pids[1], one), 3) << "it has no part of it";
  EXPECT_EQ(pmap(capture(two, [](const Vector& it, int times) { return it.size() * static_cast<std::size_t>(times); }),
                 std::vector<int>{1, 2, 3}),
            (std::vector<std::size_t>{2, 4, 6}));
  const Vector numbers({10});
  const SharedArray<std::complex<double>, 1> pairs({10});
  everywhere(
      pids,
      [](const Vector& it, const SharedArray<std::complex<double>, 1>& both) {
        for (const std::size_t i : it.local_indices()) {
          it[i] = static_cast<Integer>(i);
          both[i] = {static_cast<double>(i), static_cast<double>(it[i])};
        }
      },
      numbers, pairs);
  for (std::size_t i = 0; i < 10; i++) {
    EXPECT_EQ(numbers[i], static_cast<Integer>(i));
    EXPECT_EQ(pairs[i], std::complex<double>(static_cast<double>(i), static_cast<double>(i)));
  }
}

TEST_F(SharedArrayBehaviourTest, ThereAndBackItIsTheSame) {
  const auto pids = addprocs(2);
  const Vector a({10});
  const auto back = remotecall_fetch([](const Vector& it) { return it; }, pids[0], a);
  EXPECT_EQ(back.data(), a.data());
  EXPECT_EQ(back.pids(), a.pids());
  EXPECT_EQ(count_mappings(of_shared_arrays), 1) << "one mapping for all handles";
  EXPECT_EQ(remotecall_fetch(fn<count_mappings>, pids[0], of_shared_arrays), 1);
}

TEST_F(SharedArrayBehaviourTest, ItHasNoNameAndOneDescriptor) {
  const auto pids = addprocs(2);
  const auto entries = [] {
    return std::distance(std::filesystem::directory_iterator("/dev/shm"), std::filesystem::directory_iterator());
  };
  const auto before = entries();
  const Vector a({1000}, {.pids = {pids[1]}});
  EXPECT_EQ(entries(), before);
  EXPECT_EQ(a.pids(), (std::vector<Pid>{pids[1]}));
  EXPECT_EQ(count_mappings(of_shared_arrays + " (deleted)"), 1);
  EXPECT_EQ(count_descriptors(of_shared_arrays), 1) << "by which the others find it";
  EXPECT_EQ(remotecall_fetch(fn<count_mappings>, pids[1], of_shared_arrays + " (deleted)"), 1);
  EXPECT_EQ(remotecall_fetch(fn<count_descriptors>, pids[1], of_shared_arrays), 0);
  EXPECT_EQ(remotecall_fetch(fn<count_mappings>, pids[0], of_shared_arrays), 0) << "it is none of its processes";
  const Matrix nothing({0, 5}, {.pids = pids});
  EXPECT_EQ(count_mappings(of_shared_arrays), 1) << "an empty array has no memory";
  for (const Pid pid : pids)
    EXPECT_EQ(remotecall_fetch(fn<count_mappings>, pid, of_shared_arrays), pid == pids[1] ? 1 : 0);
  EXPECT_EQ(nothing.copy(), (NdArray<Integer, 2>({0, 5})));
}

TEST_F(SharedArrayBehaviourTest, ItEndsWithTheLastHandle) {
  const auto pids = addprocs(2);
  Matrix a({3, 4}, [](Matrix& part) {
    for (Integer& x : part.local_span()) x = 42;
  });
  const auto close_there = [](Matrix it) {
    it.close();
    return it.valid();
  };
  EXPECT_FALSE(remotecall_fetch(close_there, pids[0], a));
  auto other = a;
  a.close();
  a.close();
  EXPECT_EQ(a.size(), 0u);
  EXPECT_EQ(a.extents(), (Extents<2>{0, 0}));
  EXPECT_TRUE(a.pids().empty());
  EXPECT_TRUE(a.local_indices().empty());
  for (const auto& use : std::vector<std::function<void()>>{[&] { a.data(); }, [&] { a.span(); }, [&] { a.copy(); },
                                                            [&] {
                                                              a.at({0, 0});
                                                            },
                                                            [&] { a.reshape<1>({0}); }})
    EXPECT_TRUE(contains(thrown_by<Error>(use), "SharedArray")) << thrown_by<Error>(use);
  EXPECT_FALSE(remotecall_fetch([](const Matrix& it) { return it.valid(); }, pids[0], a));
  EXPECT_EQ(other.copy(), (NdArray<Integer, 2>({3, 4}, 42))) << "the others have it still";
  EXPECT_EQ(remotecall_fetch([](const Matrix& it) { return it(2, 3); }, pids[0], other), 42);
  other.close();
  EXPECT_TRUE(nothing_is_left()) << "in any process";
}

TEST_F(SharedArrayBehaviourTest, AWorkerCanMakeOneAndCloseIt) {
  const auto pids = addprocs(2);
  const auto make = [](const std::vector<Pid>& of) { return Vector({10}, {.pids = of}); };
  auto a = remotecall_fetch(make, pids[0], pids);
  EXPECT_EQ(remotecall_fetch(fn<count_descriptors>, pids[0], of_shared_arrays), 1);
  EXPECT_EQ(count_descriptors(of_shared_arrays), 0);
  a[3] = 4;
  EXPECT_EQ(remotecall_fetch([](const Vector& it) { return it[3]; }, pids[0], a), 4);
  a.close();
  EXPECT_TRUE(nothing_is_left());
}

TEST_F(SharedArrayBehaviourTest, WorkersWhoseMessagesTheMasterPassesOnShareOne) {
  const auto pids = addprocs(2, {.topology = "master_worker", .unconnected = Unconnected::relay});
  const auto make = [](const std::vector<Pid>& of) {
    return Vector({10}, [](Vector& part) { part.local_span()[0] = myid(); }, {.pids = of});
  };
  for (const Pid maker : {master_pid, pids[0]}) {
    auto a = remotecall_fetch(make, maker, pids);
    EXPECT_EQ(a[0], pids[0]) << maker;
    EXPECT_EQ(a[5], pids[1]) << maker;
    a.close();
    EXPECT_TRUE(nothing_is_left()) << maker;
  }
}

TEST_F(SharedArrayBehaviourTest, AFileIsReadAndWrittenThrough) {
  const auto pids = addprocs(2);
  const TemporaryDirectory directory;
  const std::string path = directory.path("thirty");
  std::vector<Integer> numbers(30);
  std::iota(numbers.begin(), numbers.end(), 1);
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(numbers.data()), 240);
  {
    const auto a = Matrix::map_file(path, {6, 5});
    EXPECT_EQ(a.pids(), pids);
    EXPECT_TRUE(std::equal(a.begin(), a.end(), numbers.begin(), numbers.end()));
    EXPECT_EQ(a(1, 0), 6) << "the last index runs fastest";
    everywhere(
        pids,
        [](const Matrix& it) {
          for (Integer& x : it.local_span()) x = myid();
        },
        a);
    for (const Pid pid : procs()) EXPECT_EQ(remotecall_fetch(fn<count_mappings>, pid, path), 1) << pid;
    for (const Pid pid : procs()) EXPECT_EQ(remotecall_fetch(fn<count_descriptors>, pid, path), 0) << pid;
    const auto content = content_of<Integer>(path);
    EXPECT_TRUE(std::equal(a.begin(), a.end(), content.begin(), content.end()));
    EXPECT_EQ(content[14], pids[0]);
    EXPECT_EQ(content[15], pids[1]);
  }
  for (const Pid pid : procs())
    EXPECT_TRUE(eventually([&] { return remotecall_fetch(fn<count_mappings>, pid, path) == 0; })) << pid;
}

TEST_F(SharedArrayBehaviourTest, AFileIsMadeOrExtended) {
  addprocs(2);
  const TemporaryDirectory directory;
  const std::string missing = directory.path("missing"), made = directory.path("made"),
                    longer = directory.path("longer");
  for (const FileMode mode : {FileMode::read, FileMode::read_write}) {
    const auto text = thrown_by<Error>([&] { Matrix::map_file(missing, {6, 5}, {.mode = mode}); });
    EXPECT_TRUE(contains(text, "cannot map " + missing + " as a SharedArray: No such file")) << text;
  }
  EXPECT_FALSE(std::filesystem::exists(missing));
  {
    const auto a = Matrix::map_file(made, {6, 5}, {.mode = FileMode::create});
    EXPECT_EQ(sum(a), 0);
    everywhere(
        a.pids(),
        [](const Matrix& it) {
          for (const std::size_t i : it.local_indices()) it[i] = static_cast<Integer>(i) + 1;
        },
        a);
  }
  std::vector<Integer> numbers(30);
  std::iota(numbers.begin(), numbers.end(), 1);
  EXPECT_EQ(content_of<Integer>(made), numbers);
  std::ofstream(longer, std::ios::binary) << "\1\1\1\1";
  {
    const auto bytes = SharedArray<std::uint8_t, 2>::map_file(longer, {6, 5}, {.mode = FileMode::extend, .offset = 4});
    static_assert(sizeof(decltype(bytes)::value_type) == 1);
    std::fill(bytes.begin(), bytes.end(), std::uint8_t{2});
  }
  EXPECT_EQ(std::filesystem::file_size(longer), 34u);
  EXPECT_EQ(text_of_file(longer), std::string(4, '\1') + std::string(30, '\2'));
}

}  // namespace
}  // namespace cohort::test
