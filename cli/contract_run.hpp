#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <cohort/types.hpp>

#include "interrupt_signal.hpp"
#include "plugin/loader.hpp"

namespace cohort::cli {

/// What the tests of the contract are to be run with.
struct ContractSettings {
  std::string plugin;                          ///< name or path, as it was asked for
  std::string options = "{}";                  ///< of the plugin, JSON object
  std::string transport;                       ///< how a manager's workers are reached; empty: by the default
  bool one_process = false;                    ///< a transport that connects within one process only
  Duration timeout = std::chrono::minutes(2);  ///< for one test
};

struct TestResult {
  enum class Outcome { passed, failed, skipped };
  std::string name;
  Outcome outcome = Outcome::failed;
  Duration took{};
  std::vector<std::string> messages;  ///< why it failed or was skipped
  std::string output;                 ///< what it printed, and what its workers did
};

/// The tests that a plugin of that kind must pass, each run by cohort-contract in a process of its own. What a test
/// leaves behind, processes and temporary files, is a failure of it, and removed.
class ContractRun {
 public:
  /// @throws Error: this installation has no cohort-contract.
  ContractRun(const detail::Plugin& plugin, ContractSettings settings);

  std::vector<std::string> tests() const;
  /// Ends soon after a signal was caught, with nothing left; the result means nothing then.
  TestResult run(const std::string& test, const InterruptSignal& interrupt_signal) const;

 private:
  std::vector<std::string> command() const;

  const detail::Plugin& plugin_;
  const ContractSettings settings_;
  const std::filesystem::path program_;
};

}  // namespace cohort::cli
