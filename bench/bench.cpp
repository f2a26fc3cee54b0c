// Times of cohort beside what the machine itself reaches, in one run: bench/run [--check] [--json FILE] [--rounds N]
// [GROUP...], or bench/run --quick

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include "groups.hpp"
#include "machine.hpp"
#include "recorded.hpp"

namespace {

struct Group {
  const char* name;
  void (*measure)(Report&, const Setting&);
  enum { on_request, by_default, also_quick } when = by_default;
};
constexpr Group all_groups[] = {
    {"memory", memory},  // first: later it would be given memory that others have freed
    {"calls", round_trips, Group::also_quick},
    {"variants", variants, Group::also_quick},
    {"throughput", throughput, Group::also_quick},
    {"threads", threads, Group::also_quick},
    {"channels", channels, Group::also_quick},
    {"bulk", bulk, Group::also_quick},
    {"to_all", bulk_to_all},
    {"pmap", map_tasks, Group::also_quick},
    {"items", map_empty_items, Group::also_quick},
    {"ping", responsiveness},
    {"idle", idle},
    {"everywhere", on_all, Group::also_quick},
    {"launch", launch, Group::also_quick},
    {"deaths", deaths, Group::also_quick},
    {"commands", commands},
    {"growth", growth, Group::on_request},
    {"peers", peers, Group::on_request},
};

void set_targets(Report& report) {
  using enum Report::Limit;
  const std::string by_tcp = "cohort remotecall_fetch by TCP";
  report.target("round trip, 64 bytes", by_tcp, "p50_over_tcp", at_most, 1.15);
  report.target("round trip, 64 bytes", by_tcp, "p99_over_tcp", at_most, 2);
  report.target("round trip, 64 bytes", "cohort remotecall_fetch by default", "p50_over_tcp", at_most, 0.8);
  for (const char* way : {"with a deadline", "with a stop token", "a lambda", "a function pointer, &f"})
    report.target("the same round trip, called in other ways", std::string("cohort, ") + way, "p50_over_plain", at_most,
                  1.05);
  report.target("no-op calls, 1000 open", "cohort remotecall by TCP", "share_of_hand", at_least, 1);
  report.target("items through a RemoteChannel at a worker", "cohort put_all and take_some, 1000", "items_per_s",
                at_least, 1e6);
  report.target("64 MiB, answered by 8 bytes", "cohort Array<double> by TCP", "share_of_tcp", at_least, 1);
  report.target("64 MiB, answered by 8 bytes", "cohort Array<double> by default", "share_of_tcp", at_least, 1);
  report.target("64 MiB, answered by 8 bytes", "cohort std::vector<double> by TCP", "share_of_tcp", at_least, 0.85);
  report.target("10 000 tasks of 100 us, 2 workers", "cohort pmap", "over_ideal", at_most, 1.1);
  report.target("10^6 empty items", "cohort pmap, 2 workers", "ns_an_item", at_most, 500);
  report.target("ping while a function computes", "cohort ping", "worst_us", at_most, 5000);
  report.target("memory of an idle worker, of 16", "cohort", "pss_MiB", at_most, 0.6);
  report.target("a function on 64 workers", "cohort fetch_all", "over_everywhere", at_most, 2);
  report.target("a command for each of 2000 inputs", "cohort map -p 2 true", "over_xargs", at_most, 1.2);
  report.target("launch of 64 workers", "cohort addprocs", "over_spawn", at_most, 1.2);
  report.target("launch of 256 workers", "cohort addprocs", "over_spawn", at_most, 1.2);
}

std::string pace() { return fmt::format("{:.2f}", spinning_round_trip()); }

}  // namespace

int main(int argc, char** argv) try {
  if (floors::is_peer(argc, argv)) return floors::serve_peer(argv);
  cohort::Session session(argc, argv);

  CLI::App app("Times of cohort beside what the machine itself reaches");
  std::string json;
  Setting setting{.rounds = 0, .largest = 256, .quick = false};
  bool check = false, record = false;
  std::vector<std::string> names, chosen;
  for (const auto& group : all_groups) names.push_back(group.name);
  app.add_flag("--check", check, "exit with 1 if a target is missed; on a machine that has nothing else to do");
  app.add_flag(
      "--quick", setting.quick,
      "less than a minute: exit with 1 if a ratio is worse than that of bench/recorded.json by more than half");
  app.add_flag("--record", record, "with --quick: write the ratios to bench/recorded.json instead")->needs("--quick");
  app.add_option("--json", json, "also write the figures to this file");
  app.add_option("--rounds", setting.rounds,
                 "alternating rounds; medians are taken over them; 20 by default, 5 with --quick")
      ->check(CLI::Range(1, 1000));
  app.add_option("--largest", setting.largest, "workers of the largest cluster that is started; 256 by default")
      ->check(CLI::Range(1, 1000));
  app.add_option("group", chosen, "what to measure; everything but growth and peers by default")
      ->check(CLI::IsMember(names));
  CLI11_PARSE(app, argc, argv);
  if (setting.rounds == 0) setting.rounds = setting.quick ? 5 : 20;

  std::vector<Group> groups;
  for (const auto& group : all_groups) {
    const bool asked = chosen.empty() ? group.when >= (setting.quick ? Group::also_quick : Group::by_default)
                                      : std::find(chosen.begin(), chosen.end(), group.name) != chosen.end();
    if (asked) groups.push_back(group);
  }

  Report report;
  for (const auto& [name, value] : machine_facts()) report.fact(name, value);
  report.fact("spinning round trip before (us)", pace());
  bool good = true;
  if (setting.quick) {
    Recorded recorded;
    for (const auto& group : groups) {
      std::cerr << "measuring " << group.name << '\n';
      recorded.compare(report, [&](Report& to) { group.measure(to, setting); });
    }
    good = recorded.print(std::cout, chosen.empty() && !record) || record;
    if (record) recorded.write();
  } else {
    for (const auto& group : groups) {
      std::cerr << "measuring " << group.name << '\n';
      group.measure(report, setting);
    }
    set_targets(report);
  }
  report.fact("spinning round trip after (us)", pace());

  const bool all_met = setting.quick || report.print(std::cout);
  if (!json.empty()) report.write_json(json);
  return good && (all_met || !check) ? 0 : 1;
} catch (const std::exception& error) {
  std::cerr << "bench: " << error.what() << '\n';
  return 1;
}
