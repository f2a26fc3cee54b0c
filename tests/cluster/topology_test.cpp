// Group F: which workers are connected, when, and what becomes of messages between the others.

#include <filesystem>
#include <map>
#include <set>

#include "cluster_test.hpp"
#include "connections.hpp"
#include "own_manager.hpp"

namespace cohort::test {
namespace {

/// Whether each worker can call each other one: its own id, or the error.
std::map<std::pair<Pid, Pid>, std::string> all_pairs() {
  std::map<std::pair<Pid, Pid>, std::string> answers;
  for (const Pid from : workers()) {
    for (const Pid to : workers()) {
      const std::string error = thrown_by<RemoteException>([&] { EXPECT_EQ(ask(from, to), to); });
      answers[{from, to}] = error;
    }
  }
  return answers;
}

using Edges = std::set<std::pair<Pid, Pid>>;

/// Every pair that `edges` has can talk, both ways, and no other.
void expect_graph(const std::string& topology, const Edges& edges) {
  for (const auto& [pair, error] : all_pairs()) {
    const auto [from, to] = pair;
    const std::string forbidden =
        "peer " + std::to_string(to) + " is not connected to " + std::to_string(from) + ". Topology : " + topology;
    if (from == to || edges.contains(std::minmax(from, to)))
      EXPECT_EQ(error, "") << from << " to " << to;
    else
      EXPECT_TRUE(contains(error, forbidden)) << from << " to " << to << ": " << error;
  }
}

class TopologyTest : public ClusterTest {
 protected:
  /// As a place: ids are not reused, and a test may be one of several in its process.
  static Edges with_ids(const std::vector<Pid>& pids, const Edges& places) {
    Edges edges;
    for (const auto& [a, b] : places)
      edges.insert({pids.at(static_cast<std::size_t>(a)), pids.at(static_cast<std::size_t>(b))});
    return edges;
  }
};

TEST_F(TopologyTest, LazyWorkersConnectAtTheirFirstMessage) {
  const auto pids = addprocs(8);
  EXPECT_EQ(connections_here(), 8);
  EXPECT_EQ(connections_of_workers(), 8);
  EXPECT_EQ(ask(pids[0], pids[1]), pids[1]);
  EXPECT_EQ(connections_of(pids[0]), 2);
  EXPECT_EQ(connections_of(pids[1]), 2);
  EXPECT_EQ(connections_of_workers(), 10);
  EXPECT_EQ(ask(pids[0], pids[1]), pids[1]);
  EXPECT_EQ(ask(pids[1], pids[0]), pids[0]);
  EXPECT_EQ(connections_of_workers(), 10);
  EXPECT_EQ(connections_here(), 8);
}

TEST_F(TopologyTest, WorkersThatAreNotLazyAreAFullMesh) {
  addprocs(8, {.lazy = false});
  EXPECT_EQ(connections_of_workers(), 64);
  addprocs(1);
  EXPECT_EQ(connections_of_workers(), 81);
}

TEST_F(TopologyTest, ConcurrentFirstCallsFromBothSidesMakeOneConnection) {
  const auto pids = addprocs(2);
  const auto ten_calls = [](Pid other) {
    std::vector<Future<Pid>> calls(10);
    {
      std::vector<std::jthread> callers;
      for (auto& call : calls)
        callers.emplace_back([&call, other] { call = remotecall([] { return myid(); }, other); });
    }
    for (auto& call : calls) {
      if (call.fetch() != other) throw Error("a wrong answer");
    }
  };
  auto first = remotecall(ten_calls, pids[0], pids[1]);
  auto second = remotecall(ten_calls, pids[1], pids[0]);
  first.fetch();
  second.fetch();
  EXPECT_EQ(connections_of(pids[0]), 2);
  EXPECT_EQ(connections_of(pids[1]), 2);
}

TEST_F(TopologyTest, AFailedDialIsAnErrorOfThatCallOnly) {
  const std::string directory = std::filesystem::temp_directory_path() / ("cohort-test-" + std::to_string(::getpid()));
  const auto pids = addprocs(ClusterFile::parse(
      R"({"version": 1, "managers": [{"plugin": "local", "count": 2}], "transport": {"plugin": "unix", "options": {"dir": ")" +
          directory + R"("}}})",
      "test"));
  // Nobody finds the first one any more, which the second one dials.
  std::filesystem::rename(directory, directory + "-away");
  for (int i = 0; i < 2; i++) {
    EXPECT_TRUE(contains(thrown_by<RemoteException>([&] { ask(pids[1], pids[0]); }),
                         "process " + std::to_string(pids[1]) + " cannot connect to peer " + std::to_string(pids[0])));
    EXPECT_NE(thrown_by<RemoteException>([&] { ask(pids[0], pids[1]); }), "");
  }
  EXPECT_EQ(remotecall_fetch([] { return myid(); }, pids[0]), pids[0]);
  EXPECT_EQ(remotecall_fetch([] { return myid(); }, pids[1]), pids[1]);
  std::filesystem::rename(directory + "-away", directory);
  EXPECT_EQ(ask(pids[0], pids[1]), pids[1]);
  EXPECT_EQ(ask(pids[1], pids[0]), pids[0]);
}

TEST_F(TopologyTest, CustomConnectsEvenWithEvenAndOddWithOdd) {
  const auto cluster = ClusterFile::parse(R"({"version": 1, "topology": "custom", "managers": [
      {"plugin": "local", "count": 4, "ident": "even[0-3]", "connect_idents": ["even*"]},
      {"plugin": "local", "count": 4, "ident": "odd[00-10]", "connect_idents": ["odd[00-03]"]}]})",
                                          "test");
  const auto pids = addprocs(cluster);
  Edges edges;
  for (int half : {0, 4})
    for (int a = half; a < half + 4; a++)
      for (int b = a + 1; b < half + 4; b++) edges.insert({a, b});
  expect_connections_of_workers(8 + 2 * 12);  // they connect as they join
  expect_graph("custom", with_ids(pids, edges));
  expect_connections_of_workers(8 + 2 * 12);
}

TEST_F(TopologyTest, CustomByOptionsInTwoSteps) {
  auto pids = addprocs(2, {.topology = "custom", .ident = "left", .connect_idents = {"left"}});
  const auto more = addprocs(2, {.ident = "right[0-1]", .connect_idents = {"left", "right1"}});
  pids.insert(pids.end(), more.begin(), more.end());
  expect_graph("custom", with_ids(pids, {{0, 1}, {0, 2}, {0, 3}, {1, 2}, {1, 3}, {2, 3}}));
}

TEST_F(TopologyTest, AManagersNamesComeFirst) {
  const auto add = [](const std::string& ident, const std::vector<std::string>& connect_idents) {
    OwnManager::Settings settings;
    settings.ident = ident;
    settings.connect_idents = connect_idents;
    const AddprocsOptions options{.topology = "custom", .ident = "of-the-options", .connect_idents = {"a"}};
    return addprocs(std::make_shared<OwnManager>(settings), options).front();
  };
  const std::vector<Pid> pids = {add("a", {}), add("b", {"b"}), add("", {}), add("c", {"of-*"})};
  expect_graph("custom", with_ids(pids, {{0, 2}, {2, 3}}));
}

TEST_F(TopologyTest, AConnectIdentThatMatchesNobodyIsAnError) {
  const std::string in_file = thrown_by<ConfigError>([] {
    ClusterFile::parse(R"({"version": 1, "topology": "custom", "managers": [
        {"plugin": "local", "count": 2, "ident": "node[1-2]", "connect_idents": ["nod[1-2]"]}]})",
                       "lab.json");
  });
  EXPECT_EQ(in_file, "lab.json:2:81: managers[0].connect_idents: 'nod[1-2]' matches no worker's ident");
  const std::string in_code = thrown_by<ConfigError>([] {
    addprocs(1, {.topology = "custom", .ident = "node1", .connect_idents = {"node1", "node2"}});
  });
  EXPECT_TRUE(contains(in_code, "'node2' matches no worker; their idents are: node1")) << in_code;
  EXPECT_EQ(thrown_by([] { addprocs(1, {.ident = "node2", .connect_idents = {"node1"}}); }), "");
}

TEST_F(TopologyTest, WorkersWithoutAnIdentOrAPlaceDoNotJoin) {
  const std::string unnamed = thrown_by<LaunchError>([] { addprocs(2, {.topology = "custom", .ident = "only[1-1]"}); });
  EXPECT_EQ(unnamed, "");  // one name is everybody's
  rmprocs(workers());
  const std::string too_many = thrown_by<LaunchError>([] { addprocs(3, {.topology = "custom", .ident = "n[1-2]"}); });
  EXPECT_TRUE(contains(too_many, "There are idents for 2 workers only")) << too_many;
  EXPECT_EQ(nworkers(), 2);
  rmprocs(workers());
  const std::string no_room = thrown_by<LaunchError>([] { addprocs(3, {.topology = "grid:1x2"}); });
  EXPECT_TRUE(contains(no_room, "Topology grid:1x2 has room for 2 only")) << no_room;
  EXPECT_EQ(ask(workers()[0], workers()[1]), workers()[1]);
  EXPECT_THROW(addprocs(1, {.ident = "n["}), ConfigError);
}

TEST_F(TopologyTest, ARing) {
  const auto pids = addprocs(5, {.topology = "ring"});
  expect_connections_of_workers(5 + 2 * 5);
  expect_graph("ring", with_ids(pids, {{0, 1}, {1, 2}, {2, 3}, {3, 4}, {0, 4}}));
}

TEST_F(TopologyTest, ARingClosesWhenAWorkerLeaves) {
  const auto pids = addprocs(4, {.topology = "ring"});
  rmprocs(pids[1]);
  EXPECT_TRUE(eventually([&] { return remotecall_fetch([] { return nprocs(); }, pids[0]) == 4; }));
  EXPECT_TRUE(eventually([&] { return remotecall_fetch([] { return nprocs(); }, pids[2]) == 4; }));
  EXPECT_EQ(ask(pids[0], pids[2]), pids[2]);
  EXPECT_EQ(ask(pids[2], pids[0]), pids[0]);
}

TEST_F(TopologyTest, AGridWhoseWorkersAreReplaced) {
  auto pids = addprocs(6, {.topology = "grid:2x3"});
  const Edges places{{0, 1}, {1, 2}, {3, 4}, {4, 5}, {0, 3}, {1, 4}, {2, 5}};
  expect_graph("grid:2x3", with_ids(pids, places));
  rmprocs(pids[4]);
  const Pid next = addprocs(1).front();
  EXPECT_EQ(ask(next, pids[1]), pids[1]);
  EXPECT_EQ(ask(pids[5], next), next);
  EXPECT_TRUE(contains(thrown_by([&] { ask(next, pids[2]); }), "is not connected"));
}

TEST_F(TopologyTest, ATorus) {
  const auto pids = addprocs(6, {.topology = "torus:2x3"});
  expect_graph("torus:2x3", with_ids(pids, {{0, 1}, {1, 2}, {0, 2}, {3, 4}, {4, 5}, {3, 5}, {0, 3}, {1, 4}, {2, 5}}));
}

TEST_F(TopologyTest, ATree) {
  const auto pids = addprocs(6, {.topology = "tree:2"});
  expect_graph("tree:2", with_ids(pids, {{0, 1}, {0, 2}, {1, 3}, {1, 4}, {2, 5}}));
}

TEST_F(TopologyTest, AHypercube) {
  const auto pids = addprocs(6, {.topology = "hypercube"});
  expect_graph("hypercube", with_ids(pids, {{0, 1}, {0, 2}, {0, 4}, {1, 3}, {1, 5}, {2, 3}, {4, 5}}));
}

TEST_F(TopologyTest, MasterWorker) {
  const auto pids = addprocs(3, {.topology = "master_worker"});
  expect_graph("master_worker", {});
  expect_connections_of_workers(3);
}

TEST_F(TopologyTest, WhatTheWorkersAreConnectedByIsFixed) {
  addprocs(1);
  EXPECT_EQ(thrown_by([] { addprocs(1, {.topology = "ring"}); }),
            "Workers with Topology all_to_all already exist. Requested Topology ring cannot be set.");
  EXPECT_EQ(thrown_by([] { addprocs(1, {.lazy = false}); }), "Active workers with lazy=true. Cannot set lazy=false");
  EXPECT_EQ(thrown_by([] { addprocs(1, {.unconnected = Unconnected::relay}); }),
            "Active workers with unconnected=error. Cannot set unconnected=relay");
  EXPECT_EQ(nworkers(), 1);
  addprocs(1, {.topology = "all_to_all", .lazy = true, .unconnected = Unconnected::error});
  rmprocs(workers());
  addprocs(2, {.topology = "grid:1x2", .unconnected = Unconnected::relay});
  EXPECT_EQ(thrown_by([] { addprocs(1, {.topology = "grid:2x1"}); }),
            "Workers with Topology grid:1x2 already exist. Requested Topology grid:2x1 cannot be set.");
  rmprocs(workers());
  addprocs(2);  // as the first ones
  EXPECT_EQ(ask(workers()[0], workers()[1]), workers()[1]);
  expect_connections_of_workers(4);
}

}  // namespace
}  // namespace cohort::test
