#pragma once

#include <functional>
#include <string>
#include <vector>

#include "samples.hpp"

/// One of several things that do the same: `run(count)` does it `count` times.
struct Contender {
  std::string name;
  std::function<Samples(int count)> run;
};

/// Medians over the rounds. Times in microseconds; the ratios are to the first contender in the same round.
struct Outcome {
  std::string name;
  double p50, p99, p999;
  double p50_ratio, p99_ratio, p999_ratio;
  std::vector<double> p50_of_rounds;

  double p50_over(const Outcome& other) const;  ///< the median of the ratios in the same round
};

/// Lets the contenders take turns in many short rounds. The machine changes its pace between one second and the next,
/// so times of different moments do not compare; ratios within one short round do. Rounds in which the pace changed
/// (see spinning_round_trip) are done again, up to as many as were asked for.
/// Plain loops rather than a benchmark library: those run each case to its end before the next one begins, and give
/// means.
std::vector<Outcome> compare(const std::vector<Contender>& contenders, int rounds, int count);
