#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "spmd_test.hpp"

// What teams do, in clusters in memory.

namespace cohort::test {
namespace {

using namespace std::chrono_literals;

COHORT_OVER_BOTH_TOPOLOGIES(SpmdOverTopologies);

std::string letters_of(int rank) { return std::string(1, static_cast<char>('a' + rank)); }
std::string letters_to(int rank) {
  std::string all;
  for (int i = 0; i <= rank; i++) all += letters_of(i);
  return all;
}
// Associative, and not commutative.
const auto join = [](const std::string& left, const std::string& right) { return left + right; };

TEST_P(SpmdOverTopologies, EachRankKnowsWhoItIs) {
  const std::vector<Pid> pids{5, 1, 3};
  const auto results = spmd(
      pids,
      [](Team& team, const std::string& text, int number) {
        return text + std::to_string(number + team.rank()) + "/" + std::to_string(team.size()) + " at " +
               std::to_string(myid()) + (team.pids()[static_cast<std::size_t>(team.rank())] == myid() ? "" : "?");
      },
      "rank ", 10);
  EXPECT_EQ(results, (Texts{"rank 10/3 at 5", "rank 11/3 at 1", "rank 12/3 at 3"}));
}

TEST_P(SpmdOverTopologies, CollectivesDoWhatASerialModelDoes) {
  const auto all_of_them = [](Team& team) {
    const int n = team.size();
    const int me = team.rank();
    const std::string mine = letters_of(me);
    Texts each;
    for (int i = 0; i < n; i++) each.push_back(letters_of(i));
    for (int root = 0; root < n; root++) {
      EXPECT_EQ(team.broadcast(mine, root), letters_of(root));
      EXPECT_EQ(team.gather(mine, root), me == root ? each : Texts());
      EXPECT_EQ(team.reduce(join, mine, root), me == root ? std::optional(letters_to(n - 1)) : std::nullopt);
      std::vector<int> numbers(me == root ? 22 : 0);
      std::iota(numbers.begin(), numbers.end(), root);
      const auto part = team.scatter(numbers, root);
      const int longer = 22 % n;
      const int begin = root + 22 / n * me + std::min(me, longer);
      std::vector<int> expected(static_cast<std::size_t>(22 / n + (me < longer ? 1 : 0)));
      std::iota(expected.begin(), expected.end(), begin);
      EXPECT_EQ(part, expected) << "of " << n << " from " << root;
    }
    team.barrier();
    EXPECT_EQ(team.all_gather(mine), each);
    EXPECT_EQ(team.all_reduce(join, mine), letters_to(n - 1));
    EXPECT_EQ(team.scan(join, mine), letters_to(me));
    const auto parts = team.reduce_scatter(join, Texts{mine + "0", mine + "1", mine + "2"});
    Texts columns;
    for (const char* digit : {"0", "1", "2"}) {
      std::string column;
      for (const auto& letter : each) column += letter + digit;
      columns.push_back(column);
    }
    const auto all_parts = team.all_gather(parts);
    Texts joined;
    for (const auto& part : all_parts) joined.insert(joined.end(), part.begin(), part.end());
    EXPECT_EQ(joined, columns);
    return team.all_reduce(std::plus<>(), me);
  };
  for (int n = 1; n <= 9; n++)
    EXPECT_EQ(spmd(first_procs(n), all_of_them), std::vector<int>(static_cast<std::size_t>(n), n * (n - 1) / 2)) << n;
}

TEST_P(SpmdOverTopologies, ValuesAreMatchedBySenderAndTagInTheirOrder) {
  spmd(first_procs(4), [](Team& team) {
    for (int to = 0; to < team.size(); to++)  // to itself, too
      for (int i = 0; i < 20; i++) team.send(100 * team.rank() + i, to, i % 2);
    team.send("text for the next rank", (team.rank() + 1) % team.size(), 7);
    EXPECT_EQ(team.receive<std::string>((team.rank() + 3) % team.size(), 7), "text for the next rank");
    std::set<int> seen;
    int last[4] = {-1, -1, -1, -1};
    for (int i = 0; i < 40; i++) {
      const auto [from, value] = team.receive_any<int>(1);
      EXPECT_EQ(value / 100, from);
      EXPECT_GT(value % 100, last[from]) << "in the order of sending";
      last[from] = value % 100;
      seen.insert(value);
    }
    EXPECT_EQ(seen.size(), 40U);
    team.barrier();  // does not take what is sent
    for (int from = team.size() - 1; from >= 0; from--)
      for (int i = 0; i < 20; i += 2) EXPECT_EQ(team.receive<int>(from, 0), 100 * from + i);
  });
}

TEST_F(Spmd, TheMessageThatCameFirstIsReceivedFirst) {
  restart(3);
  spmd(workers(), [](Team& team) {
    if (team.rank() == 0) {
      for (const int from : {2, 1}) {
        team.send(1, from);
        EXPECT_EQ(team.receive<int>(from, 4), from);  // so the one before has come
      }
      EXPECT_EQ(team.receive_any<int>(3), std::pair(2, 20));
      EXPECT_EQ(team.receive_any<int>(3), std::pair(1, 10));
    } else {
      team.receive<int>(0);
      team.send(10 * team.rank(), 0, 3);
      team.send(team.rank(), 0, 4);
    }
  });
}

TEST_F(Spmd, ThreadsOfAProcessDoNotChangeTheOrder) {
  restart(2, {.threads = 4});
  spmd(workers(), [](Team& team) {
    const int other = 1 - team.rank();
    for (int i = 0; i < 2000; i++) team.send(i, other);
    for (int i = 0; i < 2000; i++) ASSERT_EQ(team.receive<int>(other), i);
  });
}

TEST_P(SpmdOverTopologies, LargeValuesTravel) {
  const auto ok = spmd(first_procs(4), [](Team& team) {
    std::vector<double> large(1 << 17, team.rank());
    const auto got = team.broadcast(team.rank() == 2 ? large : std::vector<double>(), 2);
    EXPECT_EQ(got, std::vector<double>(1 << 17, 2));
    const auto sums = team.reduce_scatter(std::plus<>(), large);
    EXPECT_EQ(sums, std::vector<double>(1 << 15, 0 + 1 + 2 + 3));
    auto own = large;
    team.send(own, team.rank(), 1);
    own.assign(own.size(), -1);
    EXPECT_EQ(team.receive<std::vector<double>>(team.rank(), 1), large);
    team.send(large, (team.rank() + 1) % 4);
    const int before = (team.rank() + 3) % 4;
    EXPECT_EQ(team.receive<std::vector<double>>(before), std::vector<double>(1 << 17, before));
    const auto all = team.all_gather(large);
    const auto back = team.scatter(all, 1);
    return back.size() == 1 && back[0] == std::vector<double>(1 << 17, team.rank());
  });
  EXPECT_EQ(ok, std::vector<bool>(4, true));
}

TEST_P(SpmdOverTopologies, TeamsAtTheSameTimeDoNotMix) {
  const auto rounds = [](Team& team, int number) {
    int sum = 0;
    for (int i = 0; i < 10; i++) {
      team.send(number, (team.rank() + 1) % team.size());
      sum += team.all_reduce(std::plus<>(), number);
      sum += team.receive<int>((team.rank() + team.size() - 1) % team.size());
    }
    return sum;
  };
  std::vector<std::jthread> callers;
  for (int number = 1; number <= 8; number++)
    callers.emplace_back([&, number] {
      const Node::Scope here(cluster().master());
      const int size = 2 + number % 3;
      EXPECT_EQ(spmd(first_procs(size), rounds, number),
                std::vector<int>(static_cast<std::size_t>(size), 10 * number * (size + 1)));
    });
  for (auto& caller : callers) caller.join();
}

TEST_P(SpmdOverTopologies, AWorkerCallsThem) {
  const auto called = [](const std::vector<Pid>& pids) {
    return spmd(pids, [](Team& team) { return team.all_reduce(join, std::to_string(myid())); });
  };
  EXPECT_EQ(remotecall_fetch(called, 4, std::vector<Pid>{2, 3}), (Texts{"23", "23"}));
  EXPECT_EQ(remotecall_fetch(called, 4, std::vector<Pid>{1, 4, 5}), (Texts{"145", "145", "145"}));
  const auto large = [](const std::vector<Pid>& pids) {
    return spmd(pids, [](Team& team) { return std::string(100'000, letters_of(team.rank())[0]); });
  };
  EXPECT_EQ(remotecall_fetch(large, 4, std::vector<Pid>{2, 3}),
            (Texts{std::string(100'000, 'a'), std::string(100'000, 'b')}));
}

TEST_P(SpmdOverTopologies, TeamsInsideOfTeams) {
  const auto sums = spmd({2, 3, 4}, [](Team& team) {
    const auto inner = spmd(
        team.pids(), [](Team& mine, int who) { return mine.all_reduce(std::plus<>(), who); }, team.rank() + 1);
    team.barrier();
    return inner;
  });
  EXPECT_EQ(sums, (std::vector<std::vector<int>>{{3, 3, 3}, {6, 6, 6}, {9, 9, 9}}));
}

TEST_F(Spmd, FunctionsRunWhileARankWaits) {
  restart(2);
  const Future<void> over(1);
  std::jthread helper([&] {
    const Node::Scope here(cluster().master());
    EXPECT_TRUE(eventually([] { return detail::open_teams() == 3; }));
    for (const Pid pid : workers())
      EXPECT_EQ(remotecall_fetch(
                    {.deadline = 20s}, [] { return 5; }, pid),
                5);
    over.put();
  });
  spmd(
      {2, 3},
      [](Team& team, const Future<void>& end) {
        if (team.rank() == 0) return static_cast<void>(team.receive<int>(1));
        end.wait();
        team.send(1, 0);
      },
      over);
  helper.join();
}

struct Handle {
  std::unique_ptr<int> number;
};

TEST_F(Spmd, FuturesAndValuesThatCannotBeCopiedTravel) {
  restart(3);
  const auto sums = spmd(workers(), [](Team& team) {
    Future<int> future(myid());
    future.put(10 * myid());
    const auto all = team.all_gather(future);
    int sum = 0;
    for (const auto& each : all) sum += each.fetch();
    const Future<int> later = team.broadcast(team.rank() == 1 ? Future<int>(myid()) : Future<int>(), 1);
    if (team.rank() == 0) later.put(1000);
    sum += later.fetch();
    const auto handle = team.broadcast(Handle{std::make_unique<int>(team.rank())}, 2);
    auto biggest = team.all_reduce(
        [](std::unique_ptr<int> a, std::unique_ptr<int> b) { return *a > *b ? std::move(a) : std::move(b); },
        std::make_unique<int>(team.rank()));
    team.barrier();
    return sum + *handle.number + *biggest;
  });
  EXPECT_EQ(sums, std::vector<int>(3, 20 + 30 + 40 + 1000 + 2 + 2));
}

// The tree of small values has more children at each rank, but groups them in the same way.
TEST_F(Spmd, SmallValuesOfManyRanksAreReducedLikeLargeOnes) {
  restart(34);
  const auto sums_of = [](Team& team) {
    const double value = (team.rank() % 3 == 0 ? -1.0 : 1e3) / (team.rank() + 3);
    const double small = team.all_reduce(std::plus<>(), value);
    const auto add = [](const std::vector<double>& left, const std::vector<double>& right) {
      return std::vector<double>{left.at(0) + right.at(0)};
    };
    EXPECT_EQ(team.all_reduce(add, std::vector<double>{value}).at(0), small);
    for (const int root : {0, 1, team.size() - 1})
      EXPECT_EQ(team.reduce(std::plus<>(), value, root), team.rank() == root ? std::optional(small) : std::nullopt);
    const auto all = team.all_gather(value);
    EXPECT_NE(std::accumulate(all.begin(), all.end(), 0.0), small) << "a sum whose grouping does not matter";
    team.barrier();
    return small;
  };
  for (const int n : {15, 16, 17, 18, 31, 33, 35}) {
    const auto sums = spmd(first_procs(n), sums_of);
    EXPECT_EQ(sums, std::vector<double>(static_cast<std::size_t>(n), sums.at(0))) << n;
  }
}

TEST_F(Spmd, ASumOfDoublesHasTheSameBitsEachTimeAndEverywhere) {
  restart(8);
  const auto sum = [](Team& team) {
    const std::vector<double> values{1e16, 1, -1e16, 1, 0.1, 0.7, 1e-3, 1e16, -3};
    const double value = values.at(static_cast<std::size_t>(team.rank()));
    const double all = team.all_reduce(std::plus<>(), value);
    EXPECT_EQ(team.broadcast(all, 0), all);
    for (int root = 0; root < team.size(); root++) {
      const auto reduced = team.reduce(std::plus<>(), value, root);
      EXPECT_EQ(reduced, team.rank() == root ? std::optional(all) : std::nullopt);
    }
    const auto part = team.reduce_scatter(std::plus<>(), std::vector<double>(9, value));
    EXPECT_EQ(part.at(0), all);
    return all;
  };
  const auto first = spmd(procs(), sum);
  for (int i = 0; i < 5; i++) EXPECT_EQ(spmd(procs(), sum), first);
}

}  // namespace
}  // namespace cohort::test
