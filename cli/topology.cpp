// cohort topology: who would be connected to whom, without a worker being started.

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include <cohort/cluster_file.hpp>

#include "command.hpp"
#include "exit_code.hpp"
#include "output.hpp"
#include "topology_graph.hpp"

namespace cohort::cli {

void add_topology(CLI::App& tool, Action& action) {
  struct Flags {
    std::string file;
    bool dot = false;
    bool svg = false;
  };
  auto flags = std::make_shared<Flags>();
  CLI::App* command = tool.add_subcommand("topology", "Show which workers a cluster file connects to each other");
  command->add_option("file", flags->file, "Cluster file")->type_name("FILE")->required();
  CLI::Option* dot = command->add_flag("--dot", flags->dot, "Print the graph for Graphviz");
  command->add_flag("--svg", flags->svg, "Print a picture")->excludes(dot);
  command->callback([flags, &action] {
    action = [flags] {
      const TopologyGraph graph(ClusterFile::load(flags->file));
      write_results(flags->dot ? graph.dot() : flags->svg ? graph.svg() : graph.text());
      return ok;
    };
  });
}

}  // namespace cohort::cli
