#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include <cohort/batch/queue_driver.hpp>
#include <cohort/contract/name_of.hpp>
#include <cohort/options.hpp>

namespace cohort::contract {

/// What the suite needs to know about a driver, and about its scheduler, which is there and has room for three jobs.
struct DriverUnderTest {
  std::string name;  ///< part of the names of the tests; letters, digits and _
  /// A driver with these options of its manager, in JSON: make_driver<Mine>(options).
  std::function<std::unique_ptr<batch::QueueDriver>(const std::string& options)> make;
  /// "qstat": the program that the option `status` stands for. Empty: there is no such option.
  std::string status_program = {};
  std::string stays_queued;  ///< options with which a job waits for ever: R"({"flags": ["-h"]})"
  /// Options for which the scheduler takes no job, with the word "nowhere", which it names then:
  /// R"({"partition": "nowhere"})". Empty: there are none.
  std::string refused = {};
  std::string many_workers = {};    ///< options for a job of two workers; empty: it has none
  bool signals = true;              ///< it can send one to a job
  bool tells_who_cancelled = true;  ///< a job that ran was cancelled, and not ended by something else
};

/// For DriverUnderTest::make: a driver with options of this table, which must live as long.
template <class Driver>
auto make_driver(std::span<const Option> table) {
  return [table](const std::string& json) {
    return std::make_unique<Driver>(Options::parse(table, json, "options of the test"));
  };
}

std::string test_name(const DriverUnderTest& driver);
inline std::ostream& operator<<(std::ostream& out, const DriverUnderTest& driver) { return out << driver.name; }

/// Tests what every driver of a scheduler must do. Instantiate it for your driver:
///
///   INSTANTIATE_TEST_SUITE_P(Mine, DriverContract, testing::Values(DriverUnderTest{...}), name_of);
///
/// Real jobs are submitted: run it where the scheduler is, or on `cohort fake-scheduler` if that has such commands. The
/// files of jobs are in a directory in $TMPDIR, which the hosts of jobs must see. All jobs of a test are cancelled at
/// its end.
class DriverContract : public ::testing::TestWithParam<DriverUnderTest> {
 protected:
  DriverContract();
  ~DriverContract() override;
  void SetUp() override { use("{}"); }
  void TearDown() override;

  /// Creates `driver_`, with these options.
  void use(const std::string& options);
  /// Jobs whose workers run this text of sh; its standard input is the join file.
  batch::JobRequest request(const std::string& script, int jobs = 1, int workers = 1) const;
  std::vector<batch::JobId> submit(const batch::JobRequest& request);
  batch::JobStatus status(const batch::JobId& job);
  /// The last status, when it is right, or after some time.
  batch::JobStatus wait_until(const batch::JobId& job,
                              const std::function<bool(const batch::JobStatus& last)>& is_right);
  batch::JobStatus wait_for(const batch::JobId& job, batch::JobState state);
  /// What a job has printed.
  std::string output(int job = 1) const;
  bool has_printed(const std::string& text, int job = 1) const;
  std::string path(const std::string& file) const { return (directory_ / file).string(); }
  void write(const std::string& file, const std::string& text) const;

  std::filesystem::path directory_;
  const std::string name_;  // of the jobs
  std::unique_ptr<batch::QueueDriver> driver_;
  std::vector<batch::JobId> submitted_;
};

}  // namespace cohort::contract
