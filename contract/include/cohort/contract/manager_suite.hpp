#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <cohort/cluster.hpp>
#include <cohort/cluster_manager.hpp>
#include <cohort/contract/name_of.hpp>
#include <cohort/contract/observed_manager.hpp>

namespace cohort::contract {

/// What the suite needs to know about a cluster manager.
struct ManagerUnderTest {
  std::string name;            ///< part of the names of the tests; letters, digits and _
  std::string plugin = {};     ///< name, or path with a '/'
  std::string options = "{}";  ///< JSON object; the suite adds the count
  /// The option that sets the number of workers. Empty: there is none; then tests that need a certain number are
  /// skipped, and the others use the workers that `options` give.
  std::string count_option = "count";
  /// Further options that must be refused, each with the name that the message must contain.
  std::vector<std::pair<std::string, std::string>> bad_options{};
  /// Used instead of `options`: creates the options, and the files that they name, before each test.
  std::function<std::string()> make_options{};
  /// Used instead of `plugin`, for a manager of the program's own: makes one for so many workers. Tests of options are
  /// skipped.
  std::function<std::unique_ptr<ClusterManager>(int count)> make_manager{};
  /// Whether exit_cause() can know how a worker ended. false: it may be empty instead of containing the exit code.
  bool knows_cause = true;
};

std::string test_name(const ManagerUnderTest& manager);
inline std::ostream& operator<<(std::ostream& out, const ManagerUnderTest& manager) { return out << manager.name; }

/// Tests what every cluster manager must do. Instantiate it for your manager, in a program whose main() begins with a
/// cohort::Session (the workers run the same program), and run each test in a process of its own, as
/// gtest_discover_tests does:
///
///   INSTANTIATE_TEST_SUITE_P(Mine, ManagerContract, testing::Values(ManagerUnderTest{...}), name_of);
///
/// The transport to the workers is tcp, unless the program gets another one with --cohort-transport=NAME.
class ManagerContract : public ::testing::TestWithParam<ManagerUnderTest> {
 protected:
  /// A worker, and its process id as the worker itself sees it.
  struct Worker {
    Pid pid = no_pid;
    int ospid = 0;
    bool visible = false;  ///< whether that process id is valid here: in the same host and container
    /// Whether the process runs; false if this cannot be known.
    bool is_seen_running() const;
  };

  void SetUp() override;
  /// Removes all workers. Nothing of them may be left, and the calls of the manager must have followed the interface.
  void TearDown() override;

  /// Creates `manager_`, for `count` workers.
  void make(int count);
  /// Calls addprocs() with `manager_`.
  std::vector<Pid> add(const AddprocsOptions& options = {}) { return addprocs(manager_, options); }
  /// Calls add(), and returns the first worker. @throws Error if there is none.
  Pid add_one(const AddprocsOptions& options = {});
  static Worker look_at(Pid pid);
  /// Calls addprocs(), and returns the text of its exception; "" if it does not throw.
  std::string failure(const AddprocsOptions& options);
  bool has_count() const { return GetParam().make_manager || !GetParam().count_option.empty(); }
  /// Returns the child processes that did not exist before the test, including zombies.
  std::vector<int> new_children() const;
  /// Returns the options, as JSON, with one more option.
  static std::string with(const std::string& options, const std::string& key, const std::string& json_value);

  std::string options_;  // JSON
  std::vector<int> children_before_;
  std::shared_ptr<ObservedManager> manager_;
};

}  // namespace cohort::contract
