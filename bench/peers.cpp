// cohort beside what others offer for the same purpose. The programs are in bench/peers. Each runs alone, and takes
// turns with the floor and with cohort in each round, so that all are measured in the same state of the machine.

#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <vector>

#include "floors/hand_written.hpp"
#include "floors/task_farm.hpp"
#include "groups.hpp"
#include "machine.hpp"
#include "peer_program.hpp"
#include "rounds.hpp"
#include "spin.hpp"

namespace {

struct PeerKind {
  std::string name;
  std::vector<std::string> command;
  int slower = 1;           // so many times fewer calls and tasks are measured
  std::string prefix = {};  // of its rows
};

std::vector<PeerKind> all_peers() {
  const std::string programs = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "peer_";
  const std::string scripts = COHORT_PEERS "/";
  const auto open_mpi = [&](const std::string& wire) {
    return std::vector<std::string>{"mpiexec.openmpi",
                                    "--allow-run-as-root",
                                    "--oversubscribe",
                                    "--bind-to",
                                    "none",
                                    "--mca",
                                    "mpi_yield_when_idle",
                                    "0",
                                    "--mca",
                                    "btl",
                                    wire + ",self",
                                    "-n",
                                    "2",
                                    programs + "openmpi"};
  };
  return {{"Open MPI, shared memory", open_mpi("vader")},
          {"Open MPI, TCP", open_mpi("tcp")},
          {"Erlang messages", {scripts + "erlang.py"}},
          {"Erlang erpc", {scripts + "erlang.py"}, 1, "erpc_"},
          {"Cap'n Proto", {programs + "capnproto"}},
          {"gRPC", {programs + "grpc"}},
          {"ZeroMQ", {programs + "zeromq"}},
          {"CAF, sharing", {programs + "caf", "sharing"}},
          {"CAF, default", {programs + "caf"}, 4},
          {"Python multiprocessing.Pool", {scripts + "pool.py"}},
          {"Dask", {scripts + "dask_cluster.py"}, 50}};
}

long size_of(const cohort::Array<double>& array) { return static_cast<long>(array.size()); }
floors::Message echo(const floors::Message& message) { return message; }

Samples divided(const Samples& samples, double by) {
  Samples each(1);
  each.add(samples.median() / by);
  return each;
}

/// A row of all programs: what is the floor, and what cohort does for it. Each `run` gives times of one call, array or
/// task.
struct Subject {
  std::string row;
  std::string title;
  int count;
  bool whole;                   // the program gives one time for all
  std::vector<Contender> ours;  // the first is the floor
};

std::vector<Subject> subjects(Processes& processes, floors::TaskFarm& farm, const std::vector<cohort::Pid>& two,
                              const cohort::Array<double>& array) {
  const auto echo_at = [](cohort::Pid worker) {
    return [worker](int n) {
      return Samples::of(n, [&] { cohort::remotecall_fetch(cohort::fn<echo>, worker, floors::Message{}); });
    };
  };
  const auto calls_to = [](cohort::Pid worker) {
    return [worker](int n) { return divided(pipelined(worker, n, 1000), n); };
  };
  const auto send_to = [&array](cohort::Pid worker) {
    return [&array, worker](int n) {
      return Samples::of(n, [&] { cohort::remotecall_fetch(cohort::fn<size_of>, worker, array); });
    };
  };
  const std::int64_t steps = steps_in(std::chrono::microseconds(100));
  const auto map = [steps, pool = cohort::WorkerPool(two)](int n) {
    return divided(Samples::of(1,
                               [&] {
                                 cohort::pmap([](std::int64_t s) { return spin(s); },
                                              std::vector<std::int64_t>(static_cast<std::size_t>(n), steps),
                                              {.pool = pool});
                               }),
                   n);
  };
  auto& peer = processes.peer;
  return {
      {"round_trip",
       "peers: round trip, 64 bytes",
       500,
       false,
       {{"raw TCP", [&](int n) { return peer.raw_tcp_round_trips(n); }},
        {"cohort by TCP", echo_at(processes.by_tcp)},
        {"cohort by default", echo_at(processes.by_default)}}},
      {"calls",
       "peers: a no-op call of 1000 open ones",
       20'000,
       true,
       {{"hand-written", [&](int n) { return divided(floors::pipelined(peer.hand_written(n), n, 1000), n); }},
        {"cohort by TCP", calls_to(processes.by_tcp)},
        {"cohort by default", calls_to(processes.by_default)}}},
      {"bulk",
       "peers: 64 MiB of doubles",
       2,
       false,
       {{"raw TCP", [&](int n) { return peer.raw_tcp_bulk(array.size() * sizeof(double), n); }},
        {"cohort by TCP", send_to(processes.by_tcp)},
        {"cohort by default", send_to(processes.by_default)}}},
      {"map",
       "peers: a task of 100 us of 10 000, 2 workers",
       10'000,
       true,
       {{"raw TCP master", [&farm, steps](int n) { return divided(Samples::of(1, [&] { farm.run(n, steps); }), n); }},
        {"cohort pmap", map}}}};
}

/// What was measured of one contender in each comparison: medians over all of them.
struct Summary {
  std::string name;
  Samples p50{}, p99{}, over_floor{}, over_cohort{};
};

}  // namespace

void peers(Report& report, const Setting& setting) {
  Processes processes;
  floors::TaskFarm farm(2);
  const auto two = cohort::addprocs(2);
  const cohort::Array<double> array(std::vector<double>((64 << 20) / sizeof(double), 1.0));
  for (const auto& subject : subjects(processes, farm, two, array)) {
    std::vector<Summary> summaries;
    for (const auto& ours : subject.ours) summaries.push_back({ours.name});
    for (const auto& kind : all_peers()) {
      try {
        PeerProgram program(kind.command);
        const std::string row = kind.prefix + subject.row;
        if (!program.has(row)) continue;
        const double before = spinning_round_trip();
        auto contenders = subject.ours;
        const int rounds = subject.count < 10 || subject.row == "map" ? std::min(setting.rounds, 7) : setting.rounds;
        const int slower = subject.row == "bulk" ? 1 : kind.slower;
        contenders.push_back({kind.name, [&](int n) {
                                const int fewer = std::max(1, n / slower);
                                const auto samples = program.ask(row, fewer);
                                return subject.whole ? divided(samples, fewer) : samples;
                              }});
        const auto outcomes = compare(contenders, rounds, subject.count);
        std::cerr << fmt::format("  {}, {}: pace {:.2f}, {:.2f} us\n", subject.row, kind.name, before,
                                 spinning_round_trip());
        for (std::size_t i = 0; i < outcomes.size(); i++) {
          const bool is_peer = i == subject.ours.size();
          if (is_peer) summaries.push_back({kind.name});
          auto& to = is_peer ? summaries.back() : summaries[i];
          to.p50.add(outcomes[i].p50);
          to.p99.add(outcomes[i].p99);
          to.over_floor.add(outcomes[i].p50_ratio);
          to.over_cohort.add(outcomes[i].p50_over(outcomes[1]));
        }
      } catch (const std::exception& error) {
        std::cerr << fmt::format("  left out: {}, {}: {}; scripts/install-dependencies peers installs what it needs\n",
                                 subject.row, kind.name, error.what());
      }
    }
    for (const auto& summary : summaries) {
      if (summary.p50.empty()) continue;
      Report::Cells cells{{"over_floor", summary.over_floor.median()},
                          {"over_cohort", summary.over_cohort.median()},
                          {"p50_us", summary.p50.median()}};
      if (!subject.whole && subject.row != "bulk") cells.emplace_back("p99_us", summary.p99.median());
      report.row(subject.title, summary.name, std::move(cells));
    }
  }
  cohort::rmprocs(two);
}
