#include "report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

std::optional<double> Report::figure_for(const Target& target) const {
  for (const auto& row : rows_) {
    if (row.section != target.section || row.name != target.name) continue;
    for (const auto& [name, figure] : row.cells)
      if (name == target.cell) return figure;
  }
  return std::nullopt;
}

bool Report::print(std::ostream& out) const {
  constexpr std::size_t cell_width = 14;
  std::size_t name_width = 0;
  for (const auto& row : rows_) name_width = std::max({name_width, row.name.size(), row.section.size()});

  for (const auto& [name, value] : facts_) out << fmt::format("{}: {}\n", name, value);
  std::string heading;
  for (const auto& row : rows_) {
    std::string columns = fmt::format("\n{:<{}}", row.section, name_width);
    for (const auto& cell : row.cells) columns += fmt::format(" {:>{}}", cell.first, cell_width);
    if (columns != heading) out << columns << '\n';
    heading = columns;
    out << fmt::format("{:<{}}", row.name, name_width);
    for (const auto& cell : row.cells) out << fmt::format(" {:>{}.4g}", cell.second, cell_width);
    out << '\n';
  }

  bool all_met = true;
  if (!targets_.empty()) out << "\ntargets\n";
  for (const auto& target : targets_) {
    const auto figure = figure_for(target);
    if (!figure) continue;
    const bool met = target.is_met_by(*figure);
    all_met &= met;
    out << fmt::format("{:<6} {}, {}: {} {:.4g}, at {} {:.4g}\n", met ? "met" : "MISSED", target.section, target.name,
                       target.cell, *figure, target.limit == Limit::at_most ? "most" : "least", target.value);
  }
  return all_met;
}

void Report::write_json(const std::string& path) const {
  nlohmann::ordered_json json = {{"machine", nlohmann::ordered_json::object()},
                                 {"results", nlohmann::ordered_json::array()}};
  for (const auto& [name, value] : facts_) json["machine"][name] = value;
  for (const auto& row : rows_) {
    nlohmann::ordered_json result = {{"section", row.section}, {"name", row.name}};
    for (const auto& [name, value] : row.cells) result[name] = value;
    json["results"].push_back(std::move(result));
  }
  for (const auto& target : targets_) {
    const auto figure = figure_for(target);
    if (!figure) continue;
    json["targets"].push_back({{"section", target.section},
                               {"name", target.name},
                               {"cell", target.cell},
                               {target.limit == Limit::at_most ? "at_most" : "at_least", target.value},
                               {"figure", *figure},
                               {"met", target.is_met_by(*figure)}});
  }
  std::ofstream file(path);
  file << json.dump(2) << '\n';
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}
