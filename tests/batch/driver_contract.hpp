#pragma once

#include <functional>
#include <memory>
#include <string>

#include <cohort/batch/queue_driver.hpp>

namespace cohort::test {

/// A driver of a scheduler that is there, for the tests of driver_contract.cpp.
struct DriverUnderTest {
  std::string scheduler;  ///< "sge"
  /// A driver with these options of its manager, in JSON.
  std::function<std::unique_ptr<cohort::batch::QueueDriver>(const std::string& options)> make;
  std::string status_program;       ///< "qstat": the program that `status` stands for
  std::string stays_queued;         ///< options with which a job waits for ever: R"({"flags": ["-h"]})"
  std::string refused;              ///< options with which no job is taken: R"({"partition": "nowhere"})"; empty: none
  std::string many_workers;         ///< options for a job of two workers; empty: it has none
  bool signals = true;              ///< it can send one to a job
  bool tells_who_cancelled = true;  ///< a job that ran was cancelled, and not ended by something else
};

/// The one under test, set before the tests run.
DriverUnderTest& driver_under_test();

}  // namespace cohort::test
