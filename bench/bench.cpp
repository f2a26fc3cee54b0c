// Times of cohort beside what the machine itself reaches, in one run: bench/run [--json FILE] [--rounds N]

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <exception>
#include <iostream>

#include "floors.hpp"
#include "machine.hpp"
#include "report.hpp"
#include "rounds.hpp"

namespace {

constexpr std::size_t bulk_bytes = 64 << 20;

void round_trips(Report& report, floors::Peer& peer, int rounds) {
  const auto outcomes = compare({{"raw TCP", [&](int n) { return peer.raw_tcp_round_trips(n); }},
                                 {"raw Unix socket", [&](int n) { return peer.raw_unix_round_trips(n); }},
                                 {"libuv TCP", [&](int n) { return peer.libuv_round_trips(n); }}},
                                rounds, 2000);
  for (const auto& outcome : outcomes) {
    report.row("round trip, 64 bytes", outcome.name,
               {{"p50_us", outcome.p50},
                {"p99_us", outcome.p99},
                {"p50_over_tcp", outcome.p50_ratio},
                {"p99_over_tcp", outcome.p99_ratio}});
  }
}

void bulk(Report& report, floors::Peer& peer, int rounds) {
  const auto outcomes =
      compare({{"raw TCP, warm buffer", [&](int n) { return peer.raw_tcp_bulk(bulk_bytes, n); }}}, rounds, 3);
  for (const auto& outcome : outcomes) {
    report.row(
        "64 MiB, answered by 8 bytes", outcome.name,
        {{"GiB_per_s", bulk_bytes / double(1 << 30) / (outcome.p50 * 1e-6)}, {"share_of_tcp", 1 / outcome.p50_ratio}});
  }
}

void launch(Report& report, int rounds) {
  for (const int workers : {2, 16}) {
    const auto outcomes =
        compare({{"posix_spawn", [workers](int) { return floors::spawn_and_answer(workers); }}}, rounds, 1);
    for (const auto& outcome : outcomes) {
      report.row(fmt::format("launch of {} workers", workers), outcome.name,
                 {{"ms", outcome.p50 / 1000}, {"over_spawn", outcome.p50_ratio}});
    }
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (floors::is_peer(argc, argv)) return floors::serve_peer(argv);

  CLI::App app("Times of cohort beside what the machine itself reaches");
  std::string json;
  int rounds = 20;
  app.add_option("--json", json, "also write the figures to this file");
  app.add_option("--rounds", rounds, "alternating rounds; medians are taken over them")->check(CLI::Range(1, 1000));
  CLI11_PARSE(app, argc, argv);

  Report report;
  for (const auto& [name, value] : machine_facts()) report.fact(name, value);
  report.fact("spinning round trip before (us)", fmt::format("{:.2f}", spinning_round_trip()));
  {
    floors::Peer peer;
    round_trips(report, peer, rounds);
    bulk(report, peer, rounds);
  }
  launch(report, rounds);
  report.fact("spinning round trip after (us)", fmt::format("{:.2f}", spinning_round_trip()));

  report.print(std::cout);
  if (!json.empty()) report.write_json(json);
  return 0;
} catch (const std::exception& error) {
  std::cerr << "bench: " << error.what() << '\n';
  return 1;
}
