// Times of cohort beside what the machine itself reaches, in one run: bench/run [--check] [--json FILE] [--rounds N]
// [GROUP...]

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <exception>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include <cohort/cohort.hpp>

#include "floors.hpp"
#include "machine.hpp"
#include "map_tasks.hpp"
#include "report.hpp"
#include "rounds.hpp"

namespace {

constexpr std::size_t bulk_bytes = 64 << 20;
constexpr int open_calls = 1000;
constexpr int calls_a_sample = 200'000;

struct Message {
  std::array<char, floors::message_bytes> bytes;
};
Message echo(const Message& message) { return message; }
long size_of(const cohort::Array<double>& array) { return static_cast<long>(array.size()); }
long size_of_vector(const std::vector<double>& array) { return static_cast<long>(array.size()); }

// One that is connected by TCP, as the floors are, and one by what is the default on one host: a Unix socket.
struct Workers {
  cohort::Pid by_tcp, by_default;
};

void round_trips(Report& report, floors::Peer& peer, const Workers& workers, int rounds) {
  const auto echo_at = [](cohort::Pid worker) {
    return [worker](int n) {
      const Message message{};
      return Samples::of(n, [&] { cohort::remotecall_fetch(cohort::fn<echo>, worker, message); });
    };
  };
  const auto outcomes = compare({{"raw TCP", [&](int n) { return peer.raw_tcp_round_trips(n); }},
                                 {"raw Unix socket", [&](int n) { return peer.raw_unix_round_trips(n); }},
                                 {"libuv TCP", [&](int n) { return peer.libuv_round_trips(n); }},
                                 {"cohort remotecall_fetch by TCP", echo_at(workers.by_tcp)},
                                 {"cohort remotecall_fetch by default", echo_at(workers.by_default)}},
                                rounds, 2000);
  for (const auto& outcome : outcomes) {
    report.row("round trip, 64 bytes", outcome.name,
               {{"p50_us", outcome.p50},
                {"p99_us", outcome.p99},
                {"p50_over_tcp", outcome.p50_ratio},
                {"p99_over_tcp", outcome.p99_ratio}});
  }
}

void bulk(Report& report, floors::Peer& peer, const Workers& workers, int rounds) {
  const cohort::Array<double> array(std::vector<double>(bulk_bytes / sizeof(double), 1.0));
  const std::vector<double> vector(bulk_bytes / sizeof(double), 1.0);
  const auto send_to = [](cohort::Pid worker, auto function, const auto& values) {
    return [worker, function, &values](int n) {
      return Samples::of(n, [&] { cohort::remotecall_fetch(function, worker, values); });
    };
  };
  const auto outcomes =
      compare({{"raw TCP, warm buffer", [&](int n) { return peer.raw_tcp_bulk(bulk_bytes, n); }},
               {"cohort Array<double> by TCP", send_to(workers.by_tcp, cohort::fn<size_of>, array)},
               {"cohort Array<double> by default", send_to(workers.by_default, cohort::fn<size_of>, array)},
               {"cohort std::vector<double> by TCP", send_to(workers.by_tcp, cohort::fn<size_of_vector>, vector)}},
              rounds, 3);
  for (const auto& outcome : outcomes) {
    report.row(
        "64 MiB, answered by 8 bytes", outcome.name,
        {{"GiB_per_s", bulk_bytes / double(1 << 30) / (outcome.p50 * 1e-6)}, {"share_of_tcp", 1 / outcome.p50_ratio}});
  }
}

// No-op calls whose results are fetched in order, `open_calls` behind the newest.
Samples pipelined(cohort::Pid worker) {
  return Samples::of(1, [worker] {
    std::vector<cohort::Future<int>> open(open_calls);
    for (int i = 0; i < calls_a_sample; i++) {
      auto& slot = open[static_cast<std::size_t>(i % open_calls)];
      if (slot.valid()) slot.fetch();
      slot = cohort::remotecall([](int x) { return x; }, worker, i);
    }
    for (auto& slot : open) slot.fetch();
  });
}

void throughput(Report& report, const Workers& workers, int rounds) {
  const auto outcomes = compare({{"cohort remotecall by TCP", [&](int) { return pipelined(workers.by_tcp); }},
                                 {"cohort remotecall by default", [&](int) { return pipelined(workers.by_default); }}},
                                rounds, 1);
  for (const auto& outcome : outcomes)
    report.row("no-op calls, 1000 open", outcome.name, {{"calls_per_s", calls_a_sample / (outcome.p50 * 1e-6)}});
}

// Until each has answered one call; their removal is not counted.
Samples launch_and_answer(int count) {
  Samples samples(1);
  const auto start = Samples::Clock::now();
  const auto pids = cohort::addprocs(count);
  std::vector<cohort::Future<int>> answers;
  for (cohort::Pid pid : pids) answers.push_back(cohort::remotecall([] { return 1; }, pid));
  for (auto& answer : answers) answer.fetch();
  samples.add(Samples::Clock::now() - start);
  cohort::rmprocs(pids);
  return samples;
}

// Proportional set size of a process, in MiB.
double pss_of(int process) {
  std::ifstream file("/proc/" + std::to_string(process) + "/smaps_rollup");
  for (std::string key; file >> key;) {
    double kib = 0;
    if (key == "Pss:" && file >> kib) return kib / 1024;
  }
  throw std::runtime_error("no smaps_rollup");
}

void memory(Report& report) {
  const auto pids = cohort::addprocs(16);
  double sum = 0;
  for (cohort::Pid pid : pids) sum += pss_of(cohort::remotecall_fetch([] { return static_cast<int>(getpid()); }, pid));
  report.row("memory of an idle worker, of 16", "cohort", {{"pss_MiB", sum / static_cast<double>(pids.size())}});
  cohort::rmprocs(pids);
}

void responsiveness(Report& report, cohort::Pid worker, int rounds) {
  Samples first(rounds);
  for (int i = 0; i < rounds; i++) {
    auto busy = cohort::remotecall(
        [] {
          const auto end = cohort::Clock::now() + std::chrono::milliseconds(30);
          while (cohort::Clock::now() < end) continue;
        },
        worker);
    first.add(cohort::ping(worker));
    busy.fetch();
  }
  report.row("ping while a function computes", "cohort ping",
             {{"p50_us", first.percentile(0.5)}, {"worst_us", first.percentile(1)}});
}

void on_all(Report& report, int rounds) {
  const auto pids = cohort::addprocs(64);
  const auto outcomes = compare(
      {{"cohort everywhere", [&](int n) { return Samples::of(n, [&] { cohort::everywhere(pids, [] {}); }); }},
       {"cohort fetch_all", [&](int n) { return Samples::of(n, [&] { cohort::fetch_all(pids, [] { return 1; }); }); }}},
      rounds, 20);
  for (const auto& outcome : outcomes)
    report.row("a function on 64 workers", outcome.name, {{"us", outcome.p50}, {"over_everywhere", outcome.p50_ratio}});
  cohort::rmprocs(pids);
}

void launch(Report& report, int rounds) {
  for (const int workers : {2, 16, 64, 256}) {
    const auto outcomes = compare({{"posix_spawn", [workers](int) { return floors::spawn_and_answer(workers); }},
                                   {"cohort addprocs", [workers](int) { return launch_and_answer(workers); }}},
                                  workers > 16 ? std::min(rounds, 5) : rounds, 1);
    for (const auto& outcome : outcomes) {
      report.row(fmt::format("launch of {} workers", workers), outcome.name,
                 {{"ms", outcome.p50 / 1000}, {"over_spawn", outcome.p50_ratio}});
    }
  }
}

void set_targets(Report& report) {
  using enum Report::Limit;
  const std::string by_tcp = "cohort remotecall_fetch by TCP";
  report.target("round trip, 64 bytes", by_tcp, "p50_over_tcp", at_most, 1.3);
  report.target("round trip, 64 bytes", by_tcp, "p99_over_tcp", at_most, 2.5);
  report.target("64 MiB, answered by 8 bytes", "cohort Array<double> by TCP", "share_of_tcp", at_least, 0.85);
  report.target("no-op calls, 1000 open", "cohort remotecall by TCP", "calls_per_s", at_least, 1.5e6);
  report.target("10 000 tasks of 100 us, 2 workers", "cohort pmap", "over_ideal", at_most, 1.1);
  report.target("ping while a function computes", "cohort ping", "worst_us", at_most, 5000);
  report.target("memory of an idle worker, of 16", "cohort", "pss_MiB", at_most, 3);
  report.target("a function on 64 workers", "cohort fetch_all", "over_everywhere", at_most, 2);
  report.target("launch of 64 workers", "cohort addprocs", "over_spawn", at_most, 4);
}

}  // namespace

int main(int argc, char** argv) try {
  if (floors::is_peer(argc, argv)) return floors::serve_peer(argv);
  cohort::Session session(argc, argv);

  CLI::App app("Times of cohort beside what the machine itself reaches");
  std::string json;
  int rounds = 20;
  bool check = false;
  app.add_flag("--check", check, "exit with 1 if a target is missed; on a machine that has nothing else to do");
  app.add_option("--json", json, "also write the figures to this file");
  app.add_option("--rounds", rounds, "alternating rounds; medians are taken over them")->check(CLI::Range(1, 1000));
  std::vector<std::string> groups{"calls", "bulk", "throughput", "pmap", "ping", "memory", "everywhere", "launch"};
  app.add_option("group", groups, "what to measure; everything by default")->check(CLI::IsMember(groups));
  CLI11_PARSE(app, argc, argv);

  Report report;
  for (const auto& [name, value] : machine_facts()) report.fact(name, value);
  report.fact("spinning round trip before (us)", fmt::format("{:.2f}", spinning_round_trip()));
  const auto asked = [&](const char* group) { return std::find(groups.begin(), groups.end(), group) != groups.end(); };
  {
    floors::Peer peer;
    cohort::AddprocsOptions tcp;
    tcp.exeflags = {R"(--cohort-transport-options={"same_host": "tcp"})"};
    const Workers workers{cohort::addprocs(1, tcp).front(), cohort::addprocs(1).front()};
    if (asked("calls")) round_trips(report, peer, workers, rounds);
    if (asked("bulk")) bulk(report, peer, workers, rounds);
    if (asked("throughput")) throughput(report, workers, rounds);
    if (asked("ping")) responsiveness(report, workers.by_tcp, rounds);
    cohort::rmprocs({workers.by_tcp, workers.by_default});
  }
  if (asked("pmap")) map_tasks(report, std::min(rounds, 10));
  if (asked("memory")) memory(report);
  if (asked("everywhere")) on_all(report, rounds);
  if (asked("launch")) launch(report, rounds);
  report.fact("spinning round trip after (us)", fmt::format("{:.2f}", spinning_round_trip()));

  set_targets(report);
  const bool all_met = report.print(std::cout);
  if (!json.empty()) report.write_json(json);
  return check && !all_met ? 1 : 0;
} catch (const std::exception& error) {
  std::cerr << "bench: " << error.what() << '\n';
  return 1;
}
