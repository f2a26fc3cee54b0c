#pragma once

#include <string>
#include <utility>
#include <vector>

#include <cohort/cluster_file.hpp>

#include "membership/member_info.hpp"
#include "membership/topology.hpp"

namespace cohort::cli {

/// The workers that a cluster file asks for, and who of them may connect to whom.
struct TopologyGraph {
  struct Worker {
    MemberInfo info;
    std::string manager;
    std::vector<Pid> neighbours;  ///< ascending
  };
  std::string name;  ///< the cluster's; may be empty
  Wiring wiring;
  std::vector<Worker> workers;  ///< in the order of their ids, which are those that they have if all come up

  /// @throws ConfigError where the file leaves the number of workers open, or has more than the topology has room for.
  explicit TopologyGraph(const ClusterFile& file);

  /// Each once, the lower id first.
  std::vector<std::pair<Pid, Pid>> links() const;
  /// For people: a line about the whole, and one for each worker.
  std::string text() const;
  /// For Graphviz.
  std::string dot() const;
  /// A picture: grids and tori as rows and columns, all others as a circle.
  std::string svg() const;

 private:
  std::string title() const;
};

}  // namespace cohort::cli
