#pragma once

#include <memory>
#include <string>
#include <vector>

#include <cohort/cluster_file.hpp>
#include <cohort/types.hpp>

#include "command.hpp"
#include "interrupt_signal.hpp"

namespace cohort::cli {

/// The flags by which run, exec and map are told their workers.
class ClusterFlags {
 public:
  /// The flags as a command has them. They write to this object.
  std::vector<Flag> flags();

  /// Those of them that are about one manager: -m, -p, -o, --options.
  std::vector<Flag> manager_flags();

  /// The manager that was named; may be empty.
  const std::string& manager() const { return manager_; }
  /// How many workers there are to be if that is not said.
  void set_usual_procs(const std::string& procs);
  /// Whether no flag about workers was given.
  bool empty() const;
  /// As -m NAME, by a flag of another name. @throws UsageError if -m was given, too.
  void set_manager(const std::string& flag, const std::string& name);
  const std::vector<std::string>& modules() const { return modules_; }
  /// What the flags ask for: the cluster file with the flags' changes, or local workers, one a CPU.
  /// @param slots jobs that a worker is to run at once, where its manager can be told so; 0: as configured.
  /// @throws UsageError, ConfigError, PluginError.
  ClusterFile cluster(int slots = 0) const;

 private:
  /// Whether no flag but -f and -L was given.
  bool unchanged() const;
  void refuse_what_is_not_utf8() const;

  std::string procs_, min_;
  std::string file_;
  std::string manager_;
  std::vector<std::string> options_;  // key=value
  std::string options_json_;
  std::vector<std::string> modules_;
  std::string topology_;
  bool lazy_ = false;
  bool not_lazy_ = false;
  std::string transport_;
  std::vector<std::string> settings_;  // key.path=value
};

/// Starts the workers; with no flags at all, those of `cohort run` serve, if it started this program.
/// @param slots as for ClusterFlags::cluster(). @param quiet nothing is said of how far a long launch is.
/// @throws also InterruptedException when the signal came: then none of the workers is there any more.
std::vector<Pid> start_workers(const ClusterFlags& flags, const InterruptSignal& interrupt_signal, int slots = 0,
                               bool quiet = false);

}  // namespace cohort::cli
