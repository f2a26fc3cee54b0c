#include "rounds.hpp"

#include <algorithm>

#include "machine.hpp"

namespace {

struct Collected {
  Samples p50, p99, p999, p50_ratio, p99_ratio, p999_ratio;
  std::vector<double> p50_of_rounds;
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
      auto& to = collected[i];
      const auto add = [&](double share, Samples& times, Samples& ratios) {
        times.add(samples[i].percentile(share));
        ratios.add(samples[i].percentile(share) / reference.percentile(share));
      };
      add(0.5, to.p50, to.p50_ratio);
      add(0.99, to.p99, to.p99_ratio);
      add(0.999, to.p999, to.p999_ratio);
      to.p50_of_rounds.push_back(samples[i].median());
    }
  }

  std::vector<Outcome> outcomes;
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    auto& of = collected[i];
    outcomes.push_back({contenders[i].name, of.p50.median(), of.p99.median(), of.p999.median(), of.p50_ratio.median(),
                        of.p99_ratio.median(), of.p999_ratio.median(), std::move(of.p50_of_rounds)});
  }
  return outcomes;
}

double Outcome::p50_over(const Outcome& other) const {
  Samples ratios;
  for (std::size_t i = 0; i < p50_of_rounds.size(); ++i) ratios.add(p50_of_rounds[i] / other.p50_of_rounds[i]);
  return ratios.median();
}
