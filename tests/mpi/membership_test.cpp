// The ranks are threads of this program, and what MPI does for them, they do by a table that all of them see.

#include <cohort/detail/mpi_membership.hpp>

#include <barrier>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <cohort/cluster.hpp>
#include <cohort/error.hpp>
#include <cohort/remotecall.hpp>

namespace cohort::mpi::detail {
namespace {

using namespace std::chrono_literals;

constexpr int size = 3;

struct Table {
  std::barrier<> all_ranks{size};
  std::vector<char> holds = std::vector<char>(size);
  std::vector<std::string> texts;
};

class Thread final : public Communicator {
 public:
  Thread(Table& table, int rank, std::string problem) : table_(table), rank_(rank), problem_(std::move(problem)) {}
  int rank() override { return rank_; }
  int size() override { return detail::size; }
  std::string problem() override { return problem_; }
  bool all(bool holds) override {
    table_.holds[static_cast<std::size_t>(rank_)] = holds;
    table_.all_ranks.arrive_and_wait();
    for (const char each : table_.holds)
      if (!each) return false;
    return true;
  }
  std::string scatter(const std::vector<std::string>& texts) override {
    if (rank_ == 0) table_.texts = texts;
    table_.all_ranks.arrive_and_wait();
    return table_.texts.at(static_cast<std::size_t>(rank_));
  }

 private:
  Table& table_;
  const int rank_;
  const std::string problem_;
};

/// What became of each rank. @param lead what the master does. @param absent a rank that does not join.
std::vector<std::string> run(const std::function<void()>& lead, const ClusterOptions& options = {},
                             const std::vector<std::string>& problems = {"", "", ""}, int absent = -1) {
  Table table;
  std::vector<std::string> ends(size);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back([&, rank] {
      Thread communicator(table, rank, problems[static_cast<std::size_t>(rank)]);
      std::string& end = ends[static_cast<std::size_t>(rank)];
      try {
        if (rank == absent) {
          communicator.all(true);
          communicator.scatter({});
          return;
        }
        const Membership membership(communicator, options);
        if (membership.is_master()) lead();
        end = membership.is_master() ? "master" : "worker";
      } catch (const std::exception& error) {
        end = error.what();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  return ends;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(MpiMembership, RankZeroLeadsAndTheOthersServeUntilItHasEnded) {
  std::vector<Pid> answers;
  const auto ends = run([&] {
    for (const Pid pid : workers()) answers.push_back(remotecall_fetch([] { return myid(); }, pid));
  });
  EXPECT_EQ(answers, (std::vector<Pid>{2, 3}));
  EXPECT_EQ(ends, (std::vector<std::string>{"master", "worker", "worker"}));
}

TEST(MpiMembership, ThatOneCannotTakePartIsSaidOnAllRanks) {
  const auto ends = run([] {}, {}, {"", "the level is too low", ""});
  EXPECT_EQ(ends[0], "another rank cannot take part in the cluster; it says why");
  EXPECT_EQ(ends[1], "the level is too low");
  EXPECT_EQ(ends[2], ends[0]);
}

TEST(MpiMembership, ThatRankZeroCannotBeginIsSaidOnAllRanks) {
  ClusterOptions options;
  options.listen = "no address";
  const auto ends = run([] {}, options);
  EXPECT_TRUE(contains(ends[0], "no address")) << ends[0];
  EXPECT_TRUE(contains(ends[1], "rank 0 could not begin a cluster: ") && contains(ends[1], "no address")) << ends[1];
  EXPECT_EQ(ends[2], ends[1]);
}

TEST(MpiMembership, ARankThatDoesNotJoinIsNamed) {
  ClusterOptions options;
  options.timeouts.launch = 500ms;
  const auto ends = run([] {}, options, {"", "", ""}, 2);
  EXPECT_TRUE(contains(ends[0], "rank 2 of 3 did not join in time")) << ends[0];
  EXPECT_EQ(ends[1], "worker");
}

}  // namespace
}  // namespace cohort::mpi::detail
