#pragma once

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

  void print(std::ostream& out) const;
  /// @throws std::runtime_error naming the file.
  void write_json(const std::string& path) const;

 private:
  struct Row {
    std::string section;
    std::string name;
    Cells cells;
  };
  std::vector<std::pair<std::string, std::string>> facts_;
  std::vector<Row> rows_;
};
