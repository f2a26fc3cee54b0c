// cohort topology: the graph of a cluster file in each of its forms.

#include <gtest/gtest.h>

#include <regex>

#include "test_programs.hpp"
#include "tool.hpp"

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class Topology : public testing::Test {
 protected:
  /// @param keys of the cluster file, behind its version.
  ToolResult topology(const std::string& keys, std::vector<std::string> flags = {}) {
    const auto file = directory_.write("lab.json", R"({"version": 1, )" + keys + "}");
    flags.insert(flags.begin(), {"topology", file});
    return cohort_tool(flags);
  }

  static int count(const std::string& text, const std::string& pattern) {
    const std::regex regex(pattern);
    return static_cast<int>(
        std::distance(std::sregex_iterator(text.begin(), text.end(), regex), std::sregex_iterator()));
  }

  const std::string custom_ = R"("name": "lab", "topology": "custom", "unconnected": "relay", "managers": [
      {"id": "left", "plugin": "local", "count": 2, "ident": "left[0-1]", "connect_idents": ["left*"]},
      {"id": "right", "plugin": "local", "count": 2, "ident": "right", "connect_idents": ["left1"]}])";

 private:
  TemporaryDirectory directory_;
};

TEST_F(Topology, ATableByDefault) {
  const auto result = topology(custom_);
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.out,
            "lab, custom: 4 workers, 3 links between them; the master relays messages between others\n"
            "\n"
            "WORKER  MANAGER  IDENT  CONNECTED TO\n"
            "     2  left     left0  3\n"
            "     3  left     left1  2 4 5\n"
            "     4  right    right  3\n"
            "     5  right    right  3\n");
}

TEST_F(Topology, ForGraphviz) {
  const auto result = topology(custom_, {"--dot"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_TRUE(result.out.starts_with("graph \"lab, custom")) << result.out;
  EXPECT_TRUE(contains(result.out, "  3 [label=\"3 left1\"];\n")) << result.out;
  for (const std::string link : {"2 -- 3", "3 -- 4", "3 -- 5"}) EXPECT_TRUE(contains(result.out, link + ";")) << link;
  EXPECT_EQ(count(result.out, "-- \\d+;"), 3);
  EXPECT_EQ(count(result.out, "1 -- \\d+ \\[style=dotted\\];"), 4);
}

TEST_F(Topology, APicture) {
  const std::string local = R"("managers": [{"plugin": "local", "count": 6}])";
  for (const auto& [name, links] : {std::pair{"torus:2x3", 9}, {"ring", 6}, {"tree:2", 5}, {"all_to_all", 15}}) {
    const auto result = topology(R"("topology": ")" + std::string(name) + "\", " + local, {"--svg"});
    EXPECT_EQ(result.code, 0) << result.err;
    EXPECT_TRUE(result.out.starts_with("<svg xmlns=")) << result.out;
    EXPECT_TRUE(result.out.ends_with("</svg>\n"));
    EXPECT_EQ(count(result.out, "<path "), links) << name;
    EXPECT_EQ(count(result.out, "<circle "), 6) << name;
  }
}

TEST_F(Topology, NamesAreNotMarkup) {
  const std::string name = R"("name": "a<b>&\"c\"", "managers": [])";
  EXPECT_TRUE(contains(topology(name, {"--svg"}).out, "<title>a&#60;b&#62;&#38;&#34;c&#34;, all_to_all"));
  EXPECT_TRUE(contains(topology(name, {"--dot"}).out, "graph \"a<b>&\\\"c\\\", all_to_all"));
}

TEST_F(Topology, AnOpenNumberOfWorkersIsExitCode3) {
  std::vector<std::string> managers = {R"({"plugin": "elastic"})"};
  if (COHORT_WITH_SSH) managers.emplace_back(R"({"plugin": "ssh", "options": {"machines": ["a"]}})");
  for (const std::string& manager : managers) {
    const auto open = topology(R"("managers": [)" + manager + "]");
    EXPECT_EQ(open.code, 3) << open.out;
    EXPECT_TRUE(contains(open.err, "does not say how many workers it has; give it a count or idents")) << open.err;
  }
  EXPECT_EQ(topology(R"("managers": [{"plugin": "elastic", "count": 2}])").code, 0);
  EXPECT_EQ(topology(R"("managers": [{"plugin": "local", "count": 0}])").code, 0);
}

TEST_F(Topology, WhatIsWrongWithTheFileIsExitCode3) {
  const auto too_many = topology(R"("topology": "grid:2x2", "managers": [{"plugin": "local", "count": 5}])");
  EXPECT_EQ(too_many.code, 3);
  EXPECT_TRUE(contains(too_many.err, "topology grid:2x2 has room for 4 workers, not for 5")) << too_many.err;
  const auto one = topology(R"("topology": "grid:1x1", "managers": [{"plugin": "local", "count": 2}])");
  EXPECT_TRUE(contains(one.err, "topology grid:1x1 has room for 1 worker, not for 2")) << one.err;
  const auto unknown = topology(R"("topology": "rnig", "managers": [])");
  EXPECT_EQ(unknown.code, 3);
  EXPECT_TRUE(contains(unknown.err, "lab.json:1:28: topology: unknown topology 'rnig'; did you mean 'ring'?"))
      << unknown.err;
  const auto nobody = topology(R"("topology": "custom", "managers": [
      {"plugin": "local", "count": 1, "ident": "a", "connect_idents": ["b*"]}])");
  EXPECT_EQ(nobody.code, 3);
  EXPECT_TRUE(contains(nobody.err, "managers[0].connect_idents: 'b*' matches no worker's ident")) << nobody.err;
  EXPECT_EQ(cohort_tool({"topology", "missing.json"}).code, 3);
}

TEST_F(Topology, WrongUsageIsExitCode2) {
  EXPECT_EQ(cohort_tool({"topology"}).code, 2);
  EXPECT_EQ(topology(custom_, {"--svg", "--dot"}).code, 2);
  EXPECT_TRUE(contains(topology(custom_, {"--dto"}).err, "did you mean '--dot'?"));
}

}  // namespace
