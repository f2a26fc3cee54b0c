// Prices options by simulation: every process knows the market by its name, and prepares its own random numbers.
//   cohort run -p 4 build/release/bin/everywhere

#include <algorithm>
#include <cmath>
#include <iostream>
#include <random>
#include <vector>

#include <cohort/cohort.hpp>

struct Market {  // a plain aggregate travels without any code
  double price = 100, rate = 0.02, volatility = 0.25;
};

std::mt19937_64 generator;  // each process has its own

void seed(unsigned long first) { generator.seed(first + static_cast<unsigned long>(cohort::myid())); }

// The mean value today of the right to buy at the price `strike` in one year.
double simulate(double strike, int paths) {
  const auto market = cohort::value<Market>("market");  // no message: it is here already
  std::normal_distribution<double> normal;
  double sum = 0;
  for (int i = 0; i < paths; i++) {
    const double drift = market->rate - market->volatility * market->volatility / 2;
    const double price = market->price * std::exp(drift + market->volatility * normal(generator));
    sum += std::max(price - strike, 0.0);
  }
  return std::exp(-market->rate) * sum / paths;
}

double price_with_all(double strike) {
  constexpr int paths = 200'000;
  std::vector<cohort::Future<double>> parts;
  for (const cohort::Pid pid : cohort::workers()) {
    parts.push_back(cohort::remotecall(cohort::fn<simulate>, pid, strike, paths));
  }
  double sum = 0;
  for (const auto& part : parts) sum += part.fetch();
  return sum / static_cast<double>(parts.size());
}

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  if (cohort::nprocs() == 1) cohort::addprocs(2);

  cohort::everywhere(cohort::fn<seed>, 42UL);
  cohort::set_value("market", Market{});
  const double calm = price_with_all(100);
  cohort::set_value("market", Market{.volatility = 0.5});  // sent again, because it changed
  const double stormy = price_with_all(100);
  std::cout << "calm " << calm << ", stormy " << stormy << '\n'
            << "risk " << (stormy > calm ? "costs" : "is free") << '\n';
}
