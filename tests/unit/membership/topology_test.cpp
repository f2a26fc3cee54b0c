#include "membership/topology.hpp"

#include <gtest/gtest.h>

#include <regex>

#include <cohort/error.hpp>

namespace cohort {
namespace {

using Edges = std::set<std::pair<Pid, Pid>>;

/// The master, and workers from id 2 on at the places 0, 1, 2 ...
std::vector<MemberInfo> members(int workers) {
  std::vector<MemberInfo> members{{.pid = 1}};
  for (int place = 0; place < workers; place++) members.push_back({.pid = place + 2, .place = place});
  return members;
}

/// By place, so that a graph looks as in a book. Fails where one of two does not know of an edge.
Edges edges(const std::string& topology, const std::vector<MemberInfo>& members) {
  Edges edges;
  std::size_t ends = 0;
  for (const auto& member : members) {
    for (const Pid other : Topology::parse(topology).neighbours(member.pid, members)) {
      EXPECT_NE(other, member.pid);
      edges.insert({std::min(member.pid, other) - 2, std::max(member.pid, other) - 2});
      ends++;
    }
  }
  EXPECT_EQ(ends, 2 * edges.size()) << topology;
  return edges;
}

Edges edges(const std::string& topology, int workers) { return edges(topology, members(workers)); }

TEST(Topology, NamesAreReadAndWritten) {
  for (const std::string text : {"all_to_all", "master_worker", "custom", "ring", "grid", "grid:2x3", "torus",
                                 "torus:9999x1", "tree:2", "hypercube"}) {
    EXPECT_EQ(Topology::parse(text).text(), text);
    EXPECT_TRUE(std::regex_match(text, std::regex(topology_pattern()))) << text;
  }
  for (const std::string text :
       {"", "star", "ring:3", "grid:", "grid:2", "grid:2x", "grid:x2", "grid:0x2", "grid:02x2", "grid:2x3x4",
        "grid:10000x1", "tree", "tree:", "tree:0", "tree:-1", "tree:2x2", "Ring", "custom:", "torus:2x3 "}) {
    EXPECT_THROW(Topology::parse(text), ConfigError) << text;
    EXPECT_FALSE(std::regex_match(text, std::regex(topology_pattern()))) << text;
  }
  EXPECT_EQ(Topology(), Topology::parse("all_to_all"));
  EXPECT_NE(Topology::parse("grid:2x3"), Topology::parse("grid:3x2"));
}

TEST(Topology, AllOrNone) {
  EXPECT_EQ(edges("all_to_all", 5).size(), 10u);
  EXPECT_EQ(edges("master_worker", 5), Edges{});
}

TEST(Topology, Ring) {
  EXPECT_EQ(edges("ring", 5), (Edges{{0, 1}, {1, 2}, {2, 3}, {3, 4}, {0, 4}}));
  EXPECT_EQ(edges("ring", 2), (Edges{{0, 1}}));
  EXPECT_EQ(edges("ring", 1), Edges{});
}

TEST(Topology, ARingClosesOverTheGapOfAnEndedWorker) {
  auto four = members(5);
  std::erase_if(four, [](const auto& member) { return member.place == 2; });
  EXPECT_EQ(edges("ring", four), (Edges{{0, 1}, {1, 3}, {3, 4}, {0, 4}}));
}

TEST(Topology, Grid) {
  EXPECT_EQ(edges("grid:2x3", 6), (Edges{{0, 1}, {1, 2}, {3, 4}, {4, 5}, {0, 3}, {1, 4}, {2, 5}}));
  EXPECT_EQ(edges("grid", 6), edges("grid:2x3", 6));
  EXPECT_EQ(edges("grid:2x3", 4), (Edges{{0, 1}, {1, 2}, {0, 3}})) << "two places are free";
  EXPECT_EQ(Topology::parse("grid:2x3").capacity(), 6);
}

TEST(Topology, Torus) {
  Edges expected{{0, 1}, {1, 2}, {0, 2}, {3, 4}, {4, 5}, {3, 5}, {6, 7}, {7, 8}, {6, 8}};
  expected.insert({{0, 3}, {3, 6}, {0, 6}, {1, 4}, {4, 7}, {1, 7}, {2, 5}, {5, 8}, {2, 8}});
  EXPECT_EQ(edges("torus:3x3", 9), expected);
  EXPECT_EQ(edges("torus", 9), expected);
  EXPECT_EQ(edges("torus:2x2", 4), (Edges{{0, 1}, {2, 3}, {0, 2}, {1, 3}}));
  EXPECT_EQ(edges("torus", 7), edges("ring", 7)) << "7 is prime";
  EXPECT_EQ(edges("torus", 1), Edges{});
}

TEST(Topology, Tree) {
  EXPECT_EQ(edges("tree:2", 7), (Edges{{0, 1}, {0, 2}, {1, 3}, {1, 4}, {2, 5}, {2, 6}}));
  EXPECT_EQ(edges("tree:3", 6), (Edges{{0, 1}, {0, 2}, {0, 3}, {1, 4}, {1, 5}}));
  EXPECT_EQ(edges("tree:1", 3), (Edges{{0, 1}, {1, 2}}));
}

TEST(Topology, Hypercube) {
  const auto cube = edges("hypercube", 8);
  EXPECT_EQ(cube.size(), 12u);
  for (const auto& [a, b] : cube) EXPECT_EQ(__builtin_popcount(static_cast<unsigned>(a ^ b)), 1);
  EXPECT_EQ(edges("hypercube", 3), (Edges{{0, 1}, {0, 2}}));
}

TEST(Topology, CustomGoesByNamesOfEitherSide) {
  const std::vector<MemberInfo> named = {{.pid = 1},
                                         {.pid = 2, .ident = "lab-0", .connect_idents = {"lab-[1-2]", "gpu*"}},
                                         {.pid = 3, .ident = "lab-1"},
                                         {.pid = 4, .ident = "lab-2"},
                                         {.pid = 5, .ident = "gpu", .connect_idents = {"lab-2", "gpu"}},
                                         {.pid = 6}};
  EXPECT_EQ(edges("custom", named), (Edges{{0, 1}, {0, 2}, {0, 3}, {2, 3}}));
}

TEST(Topology, WhoIsNotThereOrHasNoPlaceHasNoNeighbours) {
  EXPECT_EQ(Topology::parse("ring").neighbours(99, members(3)), std::set<Pid>{});
  EXPECT_EQ(Topology::parse("ring").neighbours(master_pid, members(3)), std::set<Pid>{});
  auto some = members(3);
  some.push_back({.pid = 9});
  EXPECT_EQ(Topology::parse("ring").neighbours(9, some), std::set<Pid>{});
  EXPECT_EQ(edges("ring", some), edges("ring", 3));
}

}  // namespace
}  // namespace cohort
