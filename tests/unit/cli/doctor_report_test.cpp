// What cohort doctor prints.

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "doctor/report.hpp"

namespace cohort::doctor {
namespace {

const std::vector<HostReport> two_hosts = {
    {"lab", "ada@node1", {{"resolve", Outcome::good, "10.0.0.1", ""}, {"shell", Outcome::warning, "it prints", ""}}},
    {"lab", "n2", {{"resolve", Outcome::bad, "no such name", "Is it right?"}, {"shell", Outcome::skipped, "-", ""}}}};

TEST(DoctorReport, WarningsDoNotMakeAHostUnfit) {
  EXPECT_TRUE(two_hosts[0].is_ready());
  EXPECT_FALSE(two_hosts[1].is_ready());
}

TEST(DoctorReport, TheTextIsATableAndThenWhatIsNotGood) {
  EXPECT_EQ(as_text(two_hosts),
            "HOST       RESOLVE  SHELL\n"
            "ada@node1  ok       warning\n"
            "n2         BAD      -\n"
            "\n"
            "ada@node1: shell: it prints\n"
            "n2: resolve: no such name\n"
            "    Is it right?\n"
            "1 of 2 hosts are ready\n");
}

TEST(DoctorReport, JsonHasAllOfIt) {
  const auto report = nlohmann::json::parse(as_json(two_hosts));
  EXPECT_EQ(report.at("ready"), false);
  EXPECT_EQ(report.at("hosts")[0].at("ready"), true);
  EXPECT_EQ(report.at("hosts")[0].at("checks")[0].at("found"), "10.0.0.1");
  EXPECT_EQ(report.at("hosts")[1].at("machine"), "n2");
  EXPECT_EQ(report.at("hosts")[1].at("checks")[0].at("outcome"), "bad");
  EXPECT_EQ(report.at("hosts")[1].at("checks")[0].at("hint"), "Is it right?");
}

TEST(DoctorReport, WhatHostsSayNeedNotBeUtf8) {
  EXPECT_NO_THROW(as_json({{"lab", "n1", {{"x", Outcome::good, "\xff"}}}}));
}

}  // namespace
}  // namespace cohort::doctor
