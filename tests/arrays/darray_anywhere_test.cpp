// Every operation on distributed arrays from every kind of process, topology and transport, and in random order.

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/arrays.hpp>
#include <cohort/cohort.hpp>

#include "darray_test.hpp"
#include "test_programs.hpp"

namespace cohort::test {
namespace {

using Matrix = DArray<double, 2>;
using LocalMatrix = NdArray<double, 2>;

/// Changes an array and makes others of it, in this process. @param local the same elements. @return which operations
/// had a wrong result
std::string use(const Matrix& a, const LocalMatrix& local) {
  std::string wrong;
  const auto check = [&](const char* operation, bool right) {
    if (!right) wrong += std::string(operation) + " ";
  };
  const Box<2> box{{1, 1}, {7, 5}};
  check("gather", a.gather() == local);
  check("get", a.get(box)(5, 3) == local(6, 4));
  check("at", a.at({7, 5}) == local(7, 5));
  check("expression", Matrix(2.0 * a - a / 4.0).gather() == LocalMatrix(2.0 * local - local / 4.0));
  check("map", map([](double x, double y) { return x > y; }, a, a).gather() ==
                   map([](double x, double y) { return x > y; }, local, local));
  check("sum", sum(a) == sum(local));
  check("sum of each column", sum(a, dim<0>).gather() == sum(local, dim<0>));
  check("sum of each row", sum(a, dim<1>).gather() == sum(local, dim<1>));
  check("extrema", extrema(a) == extrema(local));
  check("norm", norm(a) == norm(local));
  check("transpose", transpose(a).gather() == transpose(local));
  check("product", norm((a * transpose(a)).gather() - local * transpose(local)) < 1e-6);
  check("reshape", a.reshape({48}).gather() == local.reshape<1>({48}));
  check("sort", sort(a.reshape({48})).gather() == sort(local.reshape<1>({48})));
  const auto f = [](const auto& at) { return at(-1, 0) + at(0, 1); };
  check("stencil", stencil(a, {.boundary = wrap}, f).gather() == stencil(local, {.boundary = wrap}, f));
  check("redistribute", a.redistribute({.grid = {1, 2}}).gather() == local);
  check("distribute", distribute(local, like(a)) == a);
  check("random numbers",
        drand({8, 6}, {.seed = 1}).gather() == drand({8, 6}, {.seed = 1, .layout = like(a)}).gather());
  auto copy = a.copy();
  for_each([](double& x) { x += 1; }, copy);
  check("for_each", copy.gather() == LocalMatrix(local + 1.0));
  copy.put(box, LocalMatrix({6, 4}, 3.0));
  copy.add(box, LocalMatrix({6, 4}, 0.5));
  check("put and add", copy.get(box) == LocalMatrix({6, 4}, 3.5));
  copy.assign(a + a);
  check("assign", copy == Matrix(2.0 * a));
  const bool has_part = std::ranges::count(a.pids(), myid()) != 0;
  check("local_box", a.local_box().empty() != has_part);
  if (has_part) check("local_part", a.local_part()(0, 0) == local.at(a.local_box().begin));
  const auto other = copy;
  copy.close();
  check("close", contains(thrown_by<Error>([&] { other.gather(); }), "the array was closed"));
  return wrong;
}

/// Workers 2, 3 and 4 have parts; 5 has none.
std::vector<Matrix> arrays_of_three(const LocalMatrix& local) {
  return {distribute(local, {.pids = {2, 3, 4}, .grid = {3, 1}}),
          distribute(local, {.pids = {4, 2, 3}, .grid = {1, 3}, .copies = 1}),
          distribute(local, {.pids = {2, 3, 4}, .grid = {3, 1}, .block = {1, 0}}),
          distribute(local, {.pids = {3, 2, 4}, .cuts = {{}, {0, 0, 5, 6}}})};
}

/// With workers that have parts, one that has none, and the master.
void expect_every_process_can_use_them(const AddprocsOptions& topology) {
  {
    const cohort::testing::TestCluster cluster(4, topology);
    const auto local = numbered<2>({8, 6});
    for (const auto& a : arrays_of_three(local))
      for (const Pid caller : {1, 4, 5}) {
        EXPECT_EQ(remotecall_fetch(fn<use>, caller, a, local), "") << "called by " << caller;
        EXPECT_EQ(a.gather(), local);
      }
  }
  EXPECT_TRUE(eventually([] { return detail::count_parts() == 0; })) << detail::count_parts();
}

TEST(ArraysAnywhere, WorkersThatConnectAtTheirFirstCall) { expect_every_process_can_use_them({.lazy = true}); }
TEST(ArraysAnywhere, WorkersThatConnectAtOnce) { expect_every_process_can_use_them({.lazy = false}); }
TEST(ArraysAnywhere, WorkersOfARing) { expect_every_process_can_use_them({.topology = "ring"}); }
TEST(ArraysAnywhere, WorkersThatCannotCallEachOther) {
  expect_every_process_can_use_them({.topology = "master_worker"});
}
TEST(ArraysAnywhere, WorkersWhoseMessagesTheMasterPassesOn) {
  expect_every_process_can_use_them({.topology = "master_worker", .unconnected = Unconnected::relay});
}

// With real processes.

class ArraysOverTransportsTest : public ClusterTest {
 protected:
  static void expect_use(const std::vector<Pid>& pids) {
    ASSERT_EQ(pids.size(), 2u);
    {
      const auto local = numbered<2>({8, 6});
      const auto a = distribute(local);
      EXPECT_EQ(a.pids(), pids);
      EXPECT_EQ(use(a, local), "");
      EXPECT_EQ(remotecall_fetch(fn<use>, pids[1], a, local), "");
      const auto large = drand({1000, 500}, {.seed = 9});
      const auto wide = large.redistribute({.grid = {1, 2}});
      EXPECT_EQ(wide.moved_bytes(), 1000u * 500 * sizeof(double) / 2);
      EXPECT_EQ(wide, large);
    }
    for (const Pid pid : procs())
      EXPECT_TRUE(eventually([&] { return remotecall_fetch(fn<detail::count_parts>, pid) == 0; })) << pid;
  }
  static void expect_use_over(const std::string& transport) {
    expect_use(addprocs(ClusterFile::parse(
        R"({"version": 1, "managers": [{"plugin": "local", "count": 2}], "transport": )" + transport + "}", "test")));
  }
};

TEST_F(ArraysOverTransportsTest, Tcp) { expect_use_over(R"({"plugin": "tcp", "options": {"same_host": "tcp"}})"); }
TEST_F(ArraysOverTransportsTest, TcpAndUnixSockets) { expect_use_over(R"("tcp")"); }
TEST_F(ArraysOverTransportsTest, UnixSockets) { expect_use_over(R"("unix")"); }
TEST_F(ArraysOverTransportsTest, UnixSocketManager) { expect_use(addprocs("unixsocket", R"({"count": 2})")); }
#if COHORT_WITH_TLS
TEST_F(ArraysOverTransportsTest, Tls) { expect_use_over(R"("tls")"); }
#endif
#if COHORT_WITH_ZMQ
TEST_F(ArraysOverTransportsTest, Zmq) { expect_use(addprocs("zmq", R"({"count": 2})")); }
#endif

// In random order.

class RandomOperations {
 public:
  explicit RandomOperations(unsigned long seed) : random_(seed) { start(); }

  /// Does something with the array and with its model. @return what it was, with a "!" if they differ
  std::string step() {
    switch (below(13)) {
      case 0: {
        const auto where = box();
        return result("get", where, array_.get(where) == piece(where));
      }
      case 1: {
        const auto where = box();
        const auto caller = process();
        const auto get = [](const Matrix& it, const Box<2>& what) { return it.get(what); };
        return result("get by a process", where, remotecall_fetch(get, caller, array_, where) == piece(where));
      }
      case 2:
      case 3: {
        const auto where = box();
        const auto values = random_values(where.extents());
        const auto put = [](const Matrix& it, const Box<2>& what, const LocalMatrix& v) { it.put(what, v); };
        remotecall_wait(put, process(), array_, where, values);
        change(
            where, [&](double, double value) { return value; }, values);
        return result("put", where, true);
      }
      case 4:
      case 5: {
        const auto where = box();
        const auto values = random_values(where.extents());
        const auto add = [](const Matrix& it, const Box<2>& what, const LocalMatrix& v) { it.add(what, v); };
        remotecall_wait(add, process(), array_, where, values);
        change(
            where, [&](double old, double value) { return old + value; }, values);
        return result("add", where, true);
      }
      case 6:
        for_each([](double& x) { x = 1 - x / 2; }, array_);
        for (double& x : model_) x = 1 - x / 2;
        return "for_each";
      case 7:
        array_.assign(0.5 * array_ + other_);
        model_ = 0.5 * model_ + other_model_;
        return "assign";
      case 8:
        array_ = array_.redistribute(layout());
        return "redistribute to " + detail::extents_text(array_.grid());
      case 9:
        other_ = array_.copy();
        other_model_ = model_;
        return "copy";
      case 10: {
        if (model_.empty()) return "nothing";
        const Index<2> at{below(model_.extents()[0]), below(model_.extents()[1])};
        return result("at", {at, at}, array_.at(at) == model_.at(at));
      }
      case 11:
        return sum(array_) == sum(model_) ? "sum" : "sum!";
      default:
        std::swap(array_, other_);
        std::swap(model_, other_model_);
        if (below(20) == 0) start();
        return "the other one";
    }
  }
  bool agree() const { return array_.gather() == model_ && other_.gather() == other_model_; }

 private:
  std::size_t below(std::size_t end) { return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_); }
  Pid process() { return static_cast<Pid>(1 + below(7)); }
  LocalMatrix random_values(const Extents<2>& extents) {
    LocalMatrix values(extents);
    for (double& x : values) x = static_cast<double>(below(2000)) / 8 - 125;
    return values;
  }
  void start() {
    const Extents<2> extents{below(14), below(11)};
    model_ = random_values(extents);
    other_model_ = random_values(extents);
    array_ = distribute(model_, layout());
    other_ = distribute(other_model_, layout());
  }
  /// Of grids and cyclic blocks; or of cuts, some of which are at one place.
  DArrayOptions<2> layout() {
    static constexpr Extents<2> grids[] = {{1, 1}, {1, 2}, {2, 1}, {2, 2}, {3, 1}, {1, 4}, {2, 3}, {6, 1}};
    DArrayOptions<2> options{.pids = {1, 2, 3, 4, 5, 6, 7}, .copies = below(4) == 0 ? 1 : 0};
    if (below(8) == 0) return {};
    std::shuffle(options.pids.begin(), options.pids.end(), random_);
    options.grid = grids[below(std::size(grids))];
    options.cuts.resize(2);
    for (std::size_t i = 0; i < 2; i++) {
      const auto way = below(3);
      if (way == 1) options.block[i] = 1 + below(4);
      if (way != 2) continue;
      options.cuts[i] = {0, model_.extents()[i]};
      for (std::size_t k = 1; k < options.grid[i]; k++) options.cuts[i].push_back(below(model_.extents()[i] + 1));
      std::sort(options.cuts[i].begin(), options.cuts[i].end());
    }
    return options;
  }
  Box<2> box() {
    Box<2> result;
    for (std::size_t i = 0; i < 2; i++) {
      result.begin[i] = below(model_.extents()[i] + 1);
      result.end[i] = result.begin[i] + below(model_.extents()[i] + 1 - result.begin[i]);
    }
    return result;
  }
  LocalMatrix piece(const Box<2>& where) const {
    LocalMatrix result(where.extents());
    std::size_t to = 0;
    for (std::size_t i = where.begin[0]; i < where.end[0]; i++)
      for (std::size_t j = where.begin[1]; j < where.end[1]; j++) result[to++] = model_(i, j);
    return result;
  }
  void change(const Box<2>& where, const std::function<double(double, double)>& f, const LocalMatrix& values) {
    std::size_t from = 0;
    for (std::size_t i = where.begin[0]; i < where.end[0]; i++)
      for (std::size_t j = where.begin[1]; j < where.end[1]; j++) model_(i, j) = f(model_(i, j), values[from++]);
  }
  static std::string result(const std::string& name, const Box<2>& where, bool right) {
    return name + " " + to_string(where) + (right ? "" : "!");
  }

  std::mt19937_64 random_;
  Matrix array_, other_;
  LocalMatrix model_, other_model_;
};

TEST_F(DArrayTest, TenThousandRandomOperationsAgreeWithALocalArray) {
  const char* given = std::getenv("COHORT_TEST_SEED");
  const unsigned long seed = given != nullptr ? std::strtoul(given, nullptr, 10) : std::random_device()();
  SCOPED_TRACE("to repeat it: COHORT_TEST_SEED=" + std::to_string(seed));
  RandomOperations operations(seed);
  std::string done;
  for (int i = 1; i <= 10000; i++) {
    const auto step = operations.step();
    done += "\n" + std::to_string(i) + " " + step;
    ASSERT_FALSE(step.ends_with('!')) << done;
    if (i % 50 != 0) continue;
    ASSERT_TRUE(operations.agree()) << "one of these:" << done;
    done.clear();
  }
}

}  // namespace
}  // namespace cohort::test
