// cohort topology: who would be connected to whom, without a worker being started.

#include <memory>
#include <string>

#include <cohort/cluster_file.hpp>

#include "command.hpp"
#include "exit_code.hpp"
#include "output.hpp"
#include "topology_graph.hpp"

namespace cohort::cli {

namespace {

struct TopologyFlags {
  std::string file;
  bool dot = false;
  bool svg = false;
};

int show(const TopologyFlags& flags) {
  if (flags.dot && flags.svg) throw UsageError("--dot and --svg exclude each other");
  const TopologyGraph graph(ClusterFile::load(flags.file));
  write_results(flags.dot ? graph.dot() : flags.svg ? graph.svg() : graph.text());
  return ok;
}

}  // namespace

Command topology_command() {
  auto flags = std::make_shared<TopologyFlags>();
  return {.name = "topology",
          .help = "Show which workers a cluster file connects to each other",
          .flags = {{"file", &flags->file, "Cluster file", "FILE", true},
                    {"--dot", &flags->dot, "Print the graph for Graphviz"},
                    {"--svg", &flags->svg, "Print a picture"}},
          .action = [flags](const auto&) { return show(*flags); }};
}

}  // namespace cohort::cli
