#include "topology_graph.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/core.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <cohort/cpus.hpp>
#include <cohort/error.hpp>

#include "cluster_check.hpp"
#include "membership/ident_pattern.hpp"
#include "text.hpp"

namespace cohort::cli {
namespace {

constexpr std::size_t most_workers = 4096;  // a graph of more is nothing to look at

std::size_t cpus() { return static_cast<std::size_t>(usable_cpus()); }

/// What the file says, or else the plugin's own default; "auto" is this host's CPUs. A plugin that takes no count may
/// have a worker for each ident, and one whose default is 0 waits for those that come.
std::size_t count_of(const ManagerSpec& manager, std::size_t idents) {
  if (const auto count = said_count(manager); count && (manager.count || *count > 0)) return *count;
  const auto own = nlohmann::json::parse(manager.options_json).value("count", nlohmann::json());
  if (manager.count_auto || own == "auto") return cpus();
  if (idents > 1) return idents;
  throw ConfigError("manager '" + manager.id + "' does not say how many workers it has; give it a count or idents");
}

std::string escaped(const std::string& text, bool for_xml) {
  std::string result;
  for (const char c : text) {
    if (for_xml && (c == '&' || c == '<' || c == '>' || c == '"'))
      result += fmt::format("&#{};", static_cast<int>(c));
    else if (!for_xml && (c == '"' || c == '\\'))
      result += std::string("\\") + c;
    else
      result += c;
  }
  return result;
}

std::string label(const TopologyGraph::Worker& worker) {
  const std::string pid = std::to_string(worker.info.pid);
  return worker.info.ident.empty() ? pid : pid + " " + worker.info.ident;
}

struct Point {
  double x = 0, y = 0;
};

constexpr double spacing = 90, radius = 17;

/// Of each worker, from 0 on.
std::vector<Point> positions(const TopologyGraph& graph) {
  const auto count = static_cast<std::int64_t>(graph.workers.size());
  const Topology& topology = graph.wiring.topology;
  std::vector<Point> points;
  if (topology.kind() == Topology::Kind::grid || topology.kind() == Topology::Kind::torus) {
    const auto columns = topology.shape(count).second;
    for (std::int64_t i = 0; i < count; i++)
      points.push_back({spacing * static_cast<double>(i % columns), spacing * static_cast<double>(i / columns)});
    return points;
  }
  const double circle = std::max(1.0, static_cast<double>(count) * spacing / (2 * std::numbers::pi));
  for (std::int64_t i = 0; i < count; i++) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(count);
    points.push_back({circle * (1 + std::sin(angle)), circle * (1 - std::cos(angle))});
  }
  return points;
}

/// Links that go round in a torus are bent, past the workers between their ends.
std::string line(const Point& a, const Point& b, bool bent) {
  const double bend = bent ? spacing * 0.35 : 0;
  const bool level = a.y == b.y;
  return fmt::format("  <path d=\"M{:.1f} {:.1f}Q{:.1f} {:.1f} {:.1f} {:.1f}\"/>\n", a.x, a.y,
                     (a.x + b.x) / 2 - (level ? 0 : bend), (a.y + b.y) / 2 - (level ? bend : 0), b.x, b.y);
}

}  // namespace

TopologyGraph::TopologyGraph(const ClusterFile& file) : name(file.name) {
  wiring.topology = Topology::parse(file.topology);
  wiring.lazy = wiring.topology.kind() == Topology::Kind::all_to_all && file.lazy.value_or(true);
  wiring.relay = file.unconnected == Unconnected::relay;
  std::vector<MemberInfo> members;
  std::vector<std::string> managers;
  for (const auto& manager : file.managers) {
    const auto idents = manager.ident.empty() ? std::vector<std::string>{} : IdentPattern(manager.ident).names();
    const std::size_t count = count_of(manager, idents.size());
    if (idents.size() > 1 && count > idents.size())
      throw ConfigError(fmt::format("manager '{}' has {} idents for {} workers", manager.id, idents.size(), count));
    if (members.size() + count > most_workers)
      throw ConfigError(fmt::format("these are more than {} workers", most_workers));
    for (std::size_t i = 0; i < count; i++) {
      MemberInfo info;
      info.place = static_cast<std::int32_t>(members.size());
      info.pid = master_pid + 1 + info.place;
      if (!idents.empty()) info.ident = idents[idents.size() == 1 ? 0 : i];
      info.connect_idents = manager.connect_idents;
      members.push_back(std::move(info));
      managers.push_back(manager.id);
    }
  }
  if (static_cast<std::int64_t>(members.size()) > wiring.topology.capacity())
    throw ConfigError(fmt::format("topology {} has room for {}, not for {}", file.topology,
                                  plural(wiring.topology.capacity(), "worker"), members.size()));
  for (std::size_t i = 0; i < members.size(); i++) {
    const auto found = wiring.topology.neighbours(members[i].pid, members);
    workers.push_back({members[i], managers[i], {found.begin(), found.end()}});
  }
}

std::vector<std::pair<Pid, Pid>> TopologyGraph::links() const {
  std::vector<std::pair<Pid, Pid>> links;
  for (const auto& worker : workers) {
    for (const Pid other : worker.neighbours)
      if (worker.info.pid < other) links.emplace_back(worker.info.pid, other);
  }
  return links;
}

std::string TopologyGraph::title() const {
  const std::size_t made = links().size(), possible = workers.size() * (workers.size() - (workers.empty() ? 0 : 1)) / 2;
  std::string title = fmt::format("{}{}: {}, {} between them", name.empty() ? "" : name + ", ", wiring.topology.text(),
                                  plural(workers.size(), "worker"), plural(made, "link"));
  if (wiring.lazy) title += ", made at the first message";
  if (made < possible)
    title += wiring.relay ? "; the master relays messages between others" : "; messages between others are errors";
  return title;
}

std::string TopologyGraph::text() const {
  std::size_t manager_width = 7, ident_width = 5;
  for (const auto& worker : workers) {
    manager_width = std::max(manager_width, worker.manager.size());
    ident_width = std::max(ident_width, worker.info.ident.size());
  }
  const auto row = [&](const std::string& pid, const std::string& manager, const std::string& ident,
                       const std::string& neighbours) {
    return fmt::format("{:>6}  {:<{}}  {:<{}}  {}\n", pid, manager, manager_width, ident, ident_width, neighbours);
  };
  std::string text = title() + "\n\n" + row("WORKER", "MANAGER", "IDENT", "CONNECTED TO");
  for (const auto& worker : workers) {
    text += row(std::to_string(worker.info.pid), worker.manager, worker.info.ident.empty() ? "-" : worker.info.ident,
                worker.neighbours.empty() ? "-" : fmt::format("{}", fmt::join(worker.neighbours, " ")));
  }
  return text;
}

std::string TopologyGraph::dot() const {
  std::string text = fmt::format("graph \"{}\" {{\n  1 [label=\"1 master\", shape=box];\n", escaped(title(), false));
  for (const auto& worker : workers)
    text += fmt::format("  {} [label=\"{}\"];\n  1 -- {} [style=dotted];\n", worker.info.pid,
                        escaped(label(worker), false), worker.info.pid);
  for (const auto& [a, b] : links()) text += fmt::format("  {} -- {};\n", a, b);
  return text + "}\n";
}

std::string TopologyGraph::svg() const {
  const auto points = positions(*this);
  const auto at = [&](Pid pid) { return points[static_cast<std::size_t>(pid - master_pid - 1)]; };
  double width = 0, height = 0;
  for (const auto& point : points) {
    width = std::max(width, point.x);
    height = std::max(height, point.y);
  }
  const std::string heading = escaped(title(), true);
  std::string text = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"{:.0f} {:.0f} {:.0f} {:.0f}\" font-family=\"sans-serif\" "
      "font-size=\"12\">\n  <title>{}</title>\n  <g fill=\"none\" stroke=\"#888\">\n",
      -spacing, -spacing, width + 2 * spacing, height + 2 * spacing, heading);
  const bool torus = wiring.topology.kind() == Topology::Kind::torus;
  for (const auto& [a, b] : links()) {
    const Point from = at(a), to = at(b);
    text += line(from, to, torus && std::hypot(from.x - to.x, from.y - to.y) > 1.5 * spacing);
  }
  text += "  </g>\n  <g text-anchor=\"middle\">\n";
  for (const auto& worker : workers) {
    const Point point = at(worker.info.pid);
    text += fmt::format(
        "  <circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.0f}\" fill=\"#fff\" stroke=\"#333\"/>\n"
        "  <text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
        point.x, point.y, radius, point.x, point.y + 4, worker.info.pid);
    if (!worker.info.ident.empty())
      text += fmt::format("  <text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", point.x, point.y + radius + 13,
                          escaped(worker.info.ident, true));
  }
  return text + "  </g>\n</svg>\n";
}

}  // namespace cohort::cli
