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
  std::string name;            ///< in the names of the tests; letters, digits and _
  std::string plugin;          ///< name, or path with a '/'
  std::string options = "{}";  ///< JSON object; the suite adds the count
  /// The option that says how many workers to launch. Empty: there is none; tests that need a certain number are
  /// skipped, and the others use what `options` bring about.
  std::string count_option = "count";
  /// Further options that must be refused, each with the name that the message must have in it.
  std::vector<std::pair<std::string, std::string>> bad_options{};
  /// Instead of `options`: makes them, and what they name, before each test.
  std::function<std::string()> make_options{};
  /// Whether exit_cause() can know how a worker ended. false: it may be empty where it should hold the exit code.
  bool knows_cause = true;
};

std::string test_name(const ManagerUnderTest& manager);
inline std::ostream& operator<<(std::ostream& out, const ManagerUnderTest& manager) { return out << manager.name; }

/// What every cluster manager must do. Written once; instantiate it for yours, in a program whose main() begins with a
/// cohort::Session (the workers are that program), and run each test in a process of its own, as gtest_discover_tests
/// does:
///
///   INSTANTIATE_TEST_SUITE_P(Mine, ManagerContract, testing::Values(ManagerUnderTest{...}), name_of);
///
/// Workers are reached by tcp, unless the program is told another transport: --cohort-transport=NAME.
class ManagerContract : public testing::TestWithParam<ManagerUnderTest> {
 protected:
  /// A worker, and its process as it sees itself.
  struct Worker {
    Pid pid = no_pid;
    int ospid = 0;
    bool visible = false;  ///< whether that process id means something here: the same host and container
    /// @return false where it cannot be known.
    bool is_seen_running() const;
  };

  void SetUp() override;
  /// Removes all workers. Nothing may be left of them, and the manager must have been called as the interface says.
  void TearDown() override;

  /// Makes `manager_`, for so many workers.
  void make(int count);
  /// addprocs() with it.
  std::vector<Pid> add(const AddprocsOptions& options = {}) { return addprocs(manager_, options); }
  /// The first of them. @throws Error: there is none.
  Pid add_one(const AddprocsOptions& options = {});
  static Worker look_at(Pid pid);
  /// What addprocs() throws; "" if nothing.
  std::string failure(const AddprocsOptions& options);
  bool has_count() const { return !GetParam().count_option.empty(); }
  /// Processes of this one that were not there before the test, zombies included.
  std::vector<int> new_children() const;
  /// The options as JSON with one more.
  static std::string with(const std::string& options, const std::string& key, const std::string& json_value);

  std::string options_;  // JSON
  std::vector<int> children_before_;
  std::shared_ptr<ObservedManager> manager_;
};

}  // namespace cohort::contract
