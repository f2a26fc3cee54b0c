#pragma once

#include <functional>
#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "report.hpp"

/// The ratios of bench/recorded.json, to which those of a quick run are compared; never times, which depend on the
/// machine and its mood. A cell is a ratio by its name: less is better in "over_tcp" and "p50_over_tcp", more in
/// "share_of_tcp" and "times_one_thread". Only rows of cohort count. Ratios of the slowest calls (p99...) are too noisy
/// for a short run, and so are those to an ideal that was not measured in the same moment.
class Recorded {
 public:
  Recorded();  ///< @throws std::runtime_error naming the file, if it cannot be read

  /// Adds to `report` what `measure` measures. Where a ratio is worse than the recorded one by more than half, it
  /// measures again, at most twice, and keeps the best ratio: something else may have used the machine.
  void compare(Report& report, const std::function<void(Report&)>& measure);
  /// @param all everything was measured: what is recorded but was not measured counts as a failure
  /// @return whether no ratio was worse by more than half.
  bool print(std::ostream& out, bool all) const;
  void write() const;  ///< what was measured is the record from now on

 private:
  struct Ratio {
    double recorded;  // 0: it is not in the file
    double measured = 0;
    double first = 0;  // what was measured before it was measured again; else 0
  };
  static bool is_worse(const std::string& key, const Ratio& ratio);

  std::map<std::string, Ratio> ratios_;  // by section, name and cell
  std::vector<std::string> order_;       // as measured
};
