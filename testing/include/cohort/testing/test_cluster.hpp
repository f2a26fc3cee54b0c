#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <cohort/cluster.hpp>
#include <cohort/node.hpp>

namespace cohort::testing {

/// How the bytes between processes of a TestCluster travel.
struct WireOptions {
  std::size_t capacity = 1 << 20;  ///< bytes on their way in one direction before the writer has to wait
  /// Not 0: at most so many bytes are read and written at once, so that messages come in pieces.
  std::size_t piece = 0;
};

/// A cluster whose processes are nodes of this process, connected by memory: it starts in a millisecond, and its wires
/// can be stalled and cut. While the object exists, the free functions (remotecall, pmap, workers ...) act on its
/// master in the thread that made it. Functions of the workers run in this process too, so they share its variables.
///
/// With <cohort/cohort.hpp>:
///
///     TEST(Prices, ASumIsTheSame) {
///       cohort::testing::TestCluster cluster(3);
///       EXPECT_EQ(cohort::pmap(cohort::fn<price>, spots), prices);
///       cluster.kill(cluster.workers()[0]);
///       EXPECT_EQ(cohort::pmap(cohort::fn<price>, spots, {.retry_delays = {0s}}), prices);
///     }
class TestCluster {
 public:
  /// @param options timeouts, topology and so on, as for addprocs(). @throws as addprocs().
  explicit TestCluster(int workers, const AddprocsOptions& options = {}, const WireOptions& wire = {});
  ~TestCluster();
  TestCluster(const TestCluster&) = delete;
  TestCluster& operator=(const TestCluster&) = delete;

  Node& master() { return master_; }
  /// As added, those that have ended included.
  const std::vector<Pid>& workers() const { return workers_; }
  /// Adds more workers. @return their ids.
  std::vector<Pid> add(int workers, const AddprocsOptions& options = {});

  /// Ends a worker without a farewell: its connections end, as those of a process that is killed. Its functions are
  /// interrupted and waited for; functions of on_master_lost() run. @throws Error if there is none of that id.
  void kill(Pid worker);
  /// From now on the bytes between two processes stay where they are, in both directions; the connection does not end.
  /// These three throw Error if the processes are not connected: workers connect at their first message, unless
  /// `options.lazy` is false.
  void stall(Pid one, Pid other);
  /// Lets the bytes go on.
  void resume(Pid one, Pid other);
  /// Ends the connection between two processes. What was on its way is lost, and calls between them fail; the next call
  /// connects again. A worker whose connection to the master ends is lost.
  void cut(Pid one, Pid other);
  /// Moves the clock of this process forward by `time`, as if it had passed: heartbeats are sent and answered, silent
  /// processes are given up, and deadlines pass. A minute takes some milliseconds, an hour less than a second. What
  /// programs measure with clocks of their own does not change. @throws ConfigError for a negative time, or more than a
  /// day.
  void advance(Duration time);

 private:
  class Manager;

  Node master_;
  const Node::Scope scope_;
  const std::shared_ptr<Manager> manager_;
  std::vector<Pid> workers_;
  Duration heartbeat_;  // of its processes
};

}  // namespace cohort::testing
