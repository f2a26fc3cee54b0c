#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include <cohort/options.hpp>

#include "login.hpp"
#include "machine_spec.hpp"

namespace cohort_ssh {

/// The settings of each machine: the manager's options, and the machine's own settings, which replace them.
class MachineSettings {
 public:
  /// @throws ConfigError.
  explicit MachineSettings(cohort::Options options);

  /// All machines, with their numbers of workers. @throws ConfigError.
  std::vector<Machine> machines() const;
  /// A setting of the machine, or else the option of that name; "" if there is none.
  std::string text(const Machine& machine, const std::string& name) const;
  /// @throws ConfigError for settings of the machine that make no sense.
  void check(const Machine& machine) const;
  /// The variables of the option, overridden by the machine's own. nullopt removes a variable.
  std::map<std::string, std::optional<std::string>> env(const Machine& machine) const;
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
