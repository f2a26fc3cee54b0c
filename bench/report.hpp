#pragma once

#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

/// Figures in sections, for people as tables and for programs as JSON. The columns of a row name their unit
/// ("p50_us"), and are the keys in JSON.
class Report {
 public:
  using Cells = std::vector<std::pair<std::string, double>>;

  void fact(const std::string& name, const std::string& value) { facts_.emplace_back(name, value); }
  void row(const std::string& section, const std::string& name, Cells cells) {
    rows_.push_back({section, name, std::move(cells)});
  }

  struct Row {
    std::string section;
    std::string name;
    Cells cells;
  };
  const std::vector<Row>& rows() const { return rows_; }

  enum class Limit { at_most, at_least };
  /// What a cell of a row is meant to reach. Counts only if that row is there.
  void target(const std::string& section, const std::string& name, const std::string& cell, Limit limit, double value) {
    targets_.push_back({section, name, cell, limit, value});
  }

  /// @return whether all targets were met.
  bool print(std::ostream& out) const;
  /// @throws std::runtime_error naming the file.
  void write_json(const std::string& path) const;

 private:
  struct Target {
    std::string section, name, cell;
    Limit limit;
    double value;
    bool is_met_by(double figure) const { return limit == Limit::at_most ? figure <= value : figure >= value; }
  };
  std::optional<double> figure_for(const Target& target) const;

  std::vector<std::pair<std::string, std::string>> facts_;
  std::vector<Row> rows_;
  std::vector<Target> targets_;
};
