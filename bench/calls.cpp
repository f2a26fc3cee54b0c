// What a call costs: a round trip, its variants, and many calls at once.

#include <fmt/format.h>

#include <array>
#include <stop_token>
#include <vector>

#include "floors/hand_written.hpp"
#include "groups.hpp"
#include "rounds.hpp"

namespace {

constexpr int calls_a_sample = 200'000;

floors::Message echo(const floors::Message& message) { return message; }

auto echo_at(cohort::Pid worker) {
  return [worker](int n) {
    const floors::Message message{};
    return Samples::of(n, [&] { cohort::remotecall_fetch(cohort::fn<echo>, worker, message); });
  };
}

}  // namespace

Processes::Processes() {
  cohort::AddprocsOptions tcp;
  tcp.exeflags = {R"(--cohort-transport-options={"same_host": "tcp"})"};
  by_tcp = cohort::addprocs(1, tcp).front();
  by_default = cohort::addprocs(1).front();
}

Processes::~Processes() { cohort::rmprocs({by_tcp, by_default}); }

void round_trips(Report& report, const Setting& setting) {
  Processes processes;
  auto& peer = processes.peer;
  const auto outcomes =
      compare({{"raw TCP", [&](int n) { return peer.raw_tcp_round_trips(n); }},
               {"raw Unix socket", [&](int n) { return peer.raw_unix_round_trips(n); }},
               {"libuv TCP", [&](int n) { return peer.libuv_round_trips(n); }},
               {"hand-written with futures", [&](int n) { return floors::round_trips(peer.hand_written(n), n); }},
               {"cohort remotecall_fetch by TCP", echo_at(processes.by_tcp)},
               {"cohort remotecall_fetch by default", echo_at(processes.by_default)}},
              setting.rounds, 2000);
  for (const auto& outcome : outcomes) {
    report.row("round trip, 64 bytes", outcome.name,
               {{"p50_us", outcome.p50},
                {"p99_us", outcome.p99},
                {"p999_us", outcome.p999},
                {"p50_over_tcp", outcome.p50_ratio},
                {"p99_over_tcp", outcome.p99_ratio},
                {"p999_over_tcp", outcome.p999_ratio},
                {"p50_over_hand", outcome.p50_over(outcomes[3])}});
  }
}

void variants(Report& report, const Setting& setting) {
  const Processes processes;
  const cohort::Pid worker = processes.by_tcp;
  const floors::Message message{};
  const std::stop_source source;
  const auto times = [](auto call) { return [call](int n) { return Samples::of(n, call); }; };
  const auto outcomes = compare(
      {{"cohort, fn<f>", echo_at(worker)},
       {"cohort, with a deadline", times([&] {
          cohort::remotecall_fetch({.deadline = std::chrono::seconds(30)}, cohort::fn<echo>, worker, message);
        })},
       {"cohort, with a stop token", times([&] {
          cohort::remotecall_fetch({.stop_token = source.get_token()}, cohort::fn<echo>, worker, message);
        })},
       {"cohort, a lambda",
        times([&] { cohort::remotecall_fetch([](const floors::Message& m) { return m; }, worker, message); })},
       {"cohort, a function pointer, &f", times([&] { cohort::remotecall_fetch(&echo, worker, message); })},
       {"cohort, remotecall and fetch", times([&] { cohort::remotecall(cohort::fn<echo>, worker, message).fetch(); })}},
      setting.rounds, 1000);
  for (const auto& outcome : outcomes) {
    report.row("the same round trip, called in other ways", outcome.name,
               {{"p50_us", outcome.p50}, {"p99_us", outcome.p99}, {"p50_over_plain", outcome.p50_ratio}});
  }
}

Samples pipelined(cohort::Pid worker, int count, int open) {
  return Samples::of(1, [&] {
    std::vector<cohort::Future<int>> calls(static_cast<std::size_t>(open));
    for (int i = 0; i < count; i++) {
      auto& slot = calls[static_cast<std::size_t>(i % open)];
      if (slot.valid()) slot.fetch();
      slot = cohort::remotecall([](int x) { return x; }, worker, i);
    }
    for (auto& slot : calls)
      if (slot.valid()) slot.fetch();
  });
}

void throughput(Report& report, const Setting& setting) {
  Processes processes;
  const int calls = setting.quick ? calls_a_sample / 4 : calls_a_sample;
  for (const int open : {1000, calls}) {
    const auto cohort_at = [&](cohort::Pid worker) { return [=](int) { return pipelined(worker, calls, open); }; };
    const auto hand_written = [&](int) { return floors::pipelined(processes.peer.hand_written(calls), calls, open); };
    const auto outcomes = compare({{"hand-written with futures", hand_written},
                                   {"cohort remotecall by TCP", cohort_at(processes.by_tcp)},
                                   {"cohort remotecall by default", cohort_at(processes.by_default)}},
                                  setting.rounds, 1);
    for (const auto& outcome : outcomes) {
      report.row(open == calls ? "no-op calls, all open at once" : "no-op calls, 1000 open", outcome.name,
                 {{"calls_per_s", calls / (outcome.p50 * 1e-6)}, {"share_of_hand", 1 / outcome.p50_ratio}});
    }
  }
}

void responsiveness(Report& report, const Setting& setting) {
  const Processes processes;
  const cohort::Pid worker = processes.by_tcp;
  Samples first(setting.rounds);
  for (int i = 0; i < setting.rounds; i++) {
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
