#include "report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

void Report::print(std::ostream& out) const {
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
  std::ofstream file(path);
  file << json.dump(2) << '\n';
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}
