#include "recorded.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace {

bool more_is_better(const std::string& cell) { return cell.starts_with("share_of_") || cell.starts_with("times_"); }
bool is_ratio(const std::string& cell) {
  return !cell.starts_with("p99") && cell != "over_ideal" &&
         (more_is_better(cell) || cell.starts_with("over_") || cell.find("_over_") != std::string::npos);
}

/// How many times worse than recorded; less than 1: better.
double worse(const std::string& key, double recorded, double measured) {
  return more_is_better(key.substr(key.rfind(": ") + 2)) ? recorded / measured : measured / recorded;
}
constexpr const char* path = COHORT_RECORDED_RATIOS;

std::vector<std::pair<std::string, double>> ratios_of(const Report& part) {
  std::vector<std::pair<std::string, double>> ratios;
  for (const auto& row : part.rows()) {
    for (const auto& [cell, value] : row.cells) {
      if (row.name.starts_with("cohort") && is_ratio(cell))
        ratios.emplace_back(row.section + ": " + row.name + ": " + cell, value);
    }
  }
  return ratios;
}

}  // namespace

bool Recorded::is_worse(const std::string& key, const Ratio& ratio) {
  return ratio.recorded != 0 && worse(key, ratio.recorded, ratio.measured) > 1.5;
}

Recorded::Recorded() {
  std::ifstream file(path);
  const auto json = nlohmann::json::parse(file, nullptr, false);
  if (!json.is_object()) throw std::runtime_error(fmt::format("cannot read {}", path));
  for (const auto& [key, ratio] : json.items()) ratios_[key] = {ratio.get<double>()};
}

void Recorded::compare(Report& report, const std::function<void(Report&)>& measure) {
  Report part;
  measure(part);
  bool again = false;
  for (const auto& [key, value] : ratios_of(part)) {
    auto& ratio = ratios_[key];
    ratio.measured = value;
    order_.push_back(key);
    again |= is_worse(key, ratio);
  }
  for (const auto& row : part.rows()) report.row(row.section, row.name, row.cells);
  for (int repeats = 2; repeats > 0 && again; repeats--) {
    again = false;
    Report repeated;
    measure(repeated);
    for (const auto& [key, value] : ratios_of(repeated)) {
      auto& ratio = ratios_[key];
      if (!is_worse(key, ratio)) continue;
      if (ratio.first == 0) ratio.first = ratio.measured;
      if (worse(key, ratio.recorded, value) < worse(key, ratio.recorded, ratio.measured)) ratio.measured = value;
      again |= is_worse(key, ratio);
    }
  }
}

bool Recorded::print(std::ostream& out, bool all) const {
  bool good = true;
  out << "measured, recorded: ratios of a short run beside those of bench/recorded.json\n";
  for (const auto& key : order_) {
    const auto& ratio = ratios_.at(key);
    const bool failed = is_worse(key, ratio);
    good &= !failed;
    out << fmt::format("{:8.3f} {:8.3f}  {}", ratio.measured, ratio.recorded, key);
    if (ratio.recorded == 0) out << "  (not recorded)";
    if (ratio.first != 0) out << fmt::format("  (measured again; before: {:.3f})", ratio.first);
    out << (failed ? "  WORSE by more than half\n" : "\n");
  }
  if (all) {
    for (const auto& [key, ratio] : ratios_) {
      if (std::find(order_.begin(), order_.end(), key) != order_.end()) continue;
      good = false;
      out << "NOT MEASURED, but recorded: " << key << '\n';
    }
  }
  return good;
}

void Recorded::write() const {
  nlohmann::ordered_json json;
  for (const auto& key : order_) {
    const auto& ratio = ratios_.at(key);
    const bool keep = ratio.recorded != 0 && worse(key, ratio.recorded, ratio.measured) < 1;
    json[key] = std::round((keep ? ratio.recorded : ratio.measured) * 1e5) / 1e5;
  }
  std::ofstream file(path);
  file << json.dump(2) << '\n';
  if (!file.flush()) throw std::runtime_error(fmt::format("cannot write {}", path));
}
