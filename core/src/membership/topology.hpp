#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <cohort/types.hpp>

#include "membership/member_info.hpp"

namespace cohort {

/// Which workers may connect to each other; the master is connected to all of them. A small value. The graph depends
/// only on the list of members, so every process computes the same graph.
class Topology {
 public:
  enum class Kind : std::uint8_t { all_to_all, master_worker, custom, ring, grid, torus, tree, hypercube };

  Topology() = default;
  /// "all_to_all", "ring", "grid:2x3", "tree:2" ... @throws ConfigError that lists the valid ones.
  static Topology parse(std::string_view text);
  std::string text() const;
  Kind kind() const { return kind_; }

  /// The workers to which `pid` may connect. @param members all processes; a process without a place is not in a graph
  /// that is made by a rule. Their connect_idents must be valid, see check_connect_idents().
  std::set<Pid> neighbours(Pid pid, std::span<const MemberInfo> members) const;
  /// How many workers have a place in it.
  std::int64_t capacity() const;
  /// Rows and columns of a grid or torus for so many workers.
  std::pair<std::int64_t, std::int64_t> shape(std::int64_t workers) const;

  friend bool operator==(const Topology&, const Topology&) = default;

 private:
  explicit Topology(Kind kind) : kind_(kind) {}
  using Places = std::vector<Pid>;  // who has each; no_pid: nobody
  std::vector<std::int64_t> places_beside(std::int64_t place, const Places& taken) const;

  Kind kind_ = Kind::all_to_all;
  std::int32_t rows_ = 0, columns_ = 0;  // of a grid or torus; 0: as square as it can be
  std::int32_t children_ = 0;            // of each in a tree
};

/// What a topology's name looks like, for the JSON Schema.
const char* topology_pattern();

/// How the workers of a cluster are connected.
struct Wiring {
  Topology topology;
  bool lazy = true;    ///< at their first message; else as they join
  bool relay = false;  ///< messages between those that may not connect go through the master; else they are errors
};

/// "error" or "relay".
const char* unconnected_text(bool relay);

/// @throws ConfigError for a pattern that is malformed.
void check_connect_idents(std::span<const std::string> patterns);

}  // namespace cohort
