#include <cohort/cluster_file.hpp>

#include <gtest/gtest.h>
#include <stdlib.h>

#include <nlohmann/json.hpp>

#include <cohort/error.hpp>

#include "test_programs.hpp"

namespace cohort {
namespace {

class ClusterPlugins : public ::testing::Test {
 protected:
  void SetUp() override { setenv("COHORT_PLUGIN_PATH", COHORT_TEST_PLUGINS "/good", 1); }
  void TearDown() override { unsetenv("COHORT_PLUGIN_PATH"); }
};

TEST_F(ClusterPlugins, OptionsAreCheckedByThePluginsOwnTable) {
  ClusterFile file = ClusterFile::parse(
      R"({"version": 1, "managers": [{"plugin": "sample", "options": {"retries": 5}}], "transport": "sample"})", "f");
  auto options = nlohmann::json::parse(file.managers.at(0).options_json);
  EXPECT_EQ(options["retries"], 5);
  EXPECT_EQ(options["patience"], "1m30s");
  EXPECT_EQ(file.transport.options_json, "{\"nodelay\":true}");
  try {
    ClusterFile::parse(
        R"({"version": 1, "managers": [{"plugin": "sample", "options": {"retries": 50}}], "transport": "sample"})",
        "f");
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(), "f:1:73: managers[0].options.retries: expected a whole number from 0 to 10, found 50");
  }
}

TEST_F(ClusterPlugins, AnUnknownPluginIsAnErrorOfTheFile) {
  try {
    ClusterFile::parse(R"({"version": 1, "managers": [{"plugin": "smaple"}], "transport": "sample"})", "f");
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_TRUE(
        std::string(error.what())
            .starts_with("f:1:40: managers[0].plugin: there is no manager plugin 'smaple'; did you mean 'sample'?"))
        << error.what();
  }
}

TEST_F(ClusterPlugins, AMissingFileIsNamed) {
  try {
    ClusterFile::load("/nonexistent/cluster.json");
    FAIL() << "read";
  } catch (const ConfigError& error) {
    EXPECT_STREQ(error.what(), "/nonexistent/cluster.json: cannot be read: No such file or directory");
  }
}

}  // namespace
}  // namespace cohort
