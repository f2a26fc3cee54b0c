// Times of arrays beside loops, processes and Open MPI, in one run: bench/run arrays [--check] [--full] [--json FILE]
// [--rounds N] [GROUP...]

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include <cohort/cohort.hpp>

#include "arrays/groups.hpp"
#include "arrays/loops.hpp"
#include "arrays/mpi.hpp"
#include "machine.hpp"
#include "report.hpp"

int main(int argc, char** argv) try {
  cohort::Session session(argc, argv);

  CLI::App app("Times of arrays beside loops, processes and Open MPI", "bench/run arrays");
  std::string json;
  int rounds = 10;
  bool check = false, full = false;
  app.add_flag("--check", check, "exit with 1 if a target is missed; on a machine that has nothing else to do");
  app.add_flag("--full", full, "500^3 instead of 250^3 doubles, and 1e8 instead of 2e7; takes 7 GB of memory");
  app.add_option("--json", json, "also write the figures to this file");
  app.add_option("--rounds", rounds, "alternating rounds; medians are taken over them")->check(CLI::Range(1, 1000));
  std::vector<std::string> groups{"advection", "elements", "gather", "halo", "creation", "all_reduce"};
  app.add_option("group", groups, "what to measure; everything by default")->check(CLI::IsMember(groups));
  CLI11_PARSE(app, argc, argv);

  Report report;
  for (const auto& [name, value] : machine_facts()) report.fact(name, value);
  report.fact("spinning round trip before (us)", fmt::format("{:.2f}", spinning_round_trip()));
  if (!floors::has_openmp()) report.fact("OpenMP", "not there: what is divided by it is left out");
  if (!floors::has_mpi()) report.fact("Open MPI", "not there: its rows are left out");
  const auto asked = [&](const char* group) { return std::find(groups.begin(), groups.end(), group) != groups.end(); };
  if (asked("advection")) advection(report, rounds, full ? 500 : 250);
  if (asked("elements")) element_wise(report, rounds, full ? 100'000'000 : 20'000'000);
  if (asked("gather")) gathering(report, rounds);
  if (asked("halo")) halo(report, rounds, 4096);
  if (asked("creation")) creation(report, rounds);
  if (asked("all_reduce")) all_reduce(report, rounds);
  report.fact("spinning round trip after (us)", fmt::format("{:.2f}", spinning_round_trip()));

  const bool all_met = report.print(std::cout);
  if (!json.empty()) report.write_json(json);
  return check && !all_met ? 1 : 0;
} catch (const std::exception& error) {
  std::cerr << "bench: " << error.what() << '\n';
  return 1;
}
