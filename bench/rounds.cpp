#include "rounds.hpp"

#include <algorithm>

#include "machine.hpp"

namespace {

struct Collected {
  Samples p50, p99, p50_ratio, p99_ratio;
};

bool pace_changed(double before, double after) { return std::max(before, after) > 2 * std::min(before, after); }

}  // namespace

std::vector<Outcome> compare(const std::vector<Contender>& contenders, int rounds, int count) {
  for (const auto& contender : contenders) contender.run(std::max(1, count / 10));  // connections, caches, pages

  std::vector<Collected> collected(contenders.size());
  int spare = rounds;
  for (int round = 0; round < rounds; ++round) {
    std::vector<Samples> samples;
    const double before = spinning_round_trip();
    for (const auto& contender : contenders) samples.push_back(contender.run(count));
    if (pace_changed(before, spinning_round_trip()) && spare-- > 0) {
      --round;
      continue;
    }
    const auto& reference = samples.front();
    for (std::size_t i = 0; i < samples.size(); ++i) {
      collected[i].p50.add(samples[i].median());
      collected[i].p99.add(samples[i].percentile(0.99));
      collected[i].p50_ratio.add(samples[i].median() / reference.median());
      collected[i].p99_ratio.add(samples[i].percentile(0.99) / reference.percentile(0.99));
    }
  }

  std::vector<Outcome> outcomes;
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    const auto& of = collected[i];
    outcomes.push_back(
        {contenders[i].name, of.p50.median(), of.p99.median(), of.p50_ratio.median(), of.p99_ratio.median()});
  }
  return outcomes;
}
