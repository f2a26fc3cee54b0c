#pragma once

#include <optional>
#include <string>
#include <vector>

#include <cohort/options.hpp>

#include "login.hpp"
#include "machine_spec.hpp"

namespace cohort_ssh {

/// What is to be done with each machine: the manager's options, and what the machine's own settings say instead.
class MachineSettings {
 public:
  explicit MachineSettings(cohort::Options options) : options_(std::move(options)) {}

  /// All of them, with their workers. @throws ConfigError.
  std::vector<Machine> machines() const;
  /// A setting that machines can have as well; "" if there is none.
  std::string text(const Machine& machine, const std::string& name) const;
  bool is_tunnelled(const Machine& machine) const;
  bool is_staged() const;  ///< the program is copied there
  LoginOptions login(const Machine& machine) const;
  /// The host to go through. @throws ConfigError.
  std::optional<Machine> jump(const Machine& machine) const;

 private:
  std::string option(const std::string& name) const;

  const cohort::Options options_;
};

}  // namespace cohort_ssh
