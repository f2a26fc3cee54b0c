// Large arrays: to one worker, and to many.

#include <cstring>
#include <vector>

#include "groups.hpp"
#include "rounds.hpp"

namespace {

constexpr std::size_t bulk_bytes = 64 << 20;
constexpr int receivers = 16;

long size_of(const cohort::Array<double>& array) { return static_cast<long>(array.size()); }
long size_of_vector(const std::vector<double>& array) { return static_cast<long>(array.size()); }

}  // namespace

void bulk(Report& report, const Setting& setting) {
  Processes processes;
  const cohort::Array<double> array(std::vector<double>(bulk_bytes / sizeof(double), 1.0));
  const std::vector<double> vector(bulk_bytes / sizeof(double), 1.0);
  const auto send_to = [](cohort::Pid worker, auto function, const auto& values) {
    return [worker, function, &values](int n) {
      return Samples::of(n, [&] { cohort::remotecall_fetch(function, worker, values); });
    };
  };
  const auto outcomes = compare(
      {{"raw TCP, warm buffer", [&](int n) { return processes.peer.raw_tcp_bulk(bulk_bytes, n); }},
       {"cohort Array<double> by TCP", send_to(processes.by_tcp, cohort::fn<size_of>, array)},
       {"cohort Array<double> by default", send_to(processes.by_default, cohort::fn<size_of>, array)},
       {"cohort std::vector<double> by TCP", send_to(processes.by_tcp, cohort::fn<size_of_vector>, vector)},
       {"cohort std::vector<double> by default", send_to(processes.by_default, cohort::fn<size_of_vector>, vector)}},
      setting.rounds, 3);
  for (const auto& outcome : outcomes) {
    report.row(
        "64 MiB, answered by 8 bytes", outcome.name,
        {{"GiB_per_s", bulk_bytes / double(1 << 30) / (outcome.p50 * 1e-6)}, {"share_of_tcp", 1 / outcome.p50_ratio}});
  }
}

void bulk_to_all(Report& report, const Setting& setting) {
  const auto pids = cohort::addprocs(receivers);
  const std::vector<double> values(bulk_bytes / sizeof(double), 1.0);
  const cohort::Array<double> array(values);
  std::vector<double> copy(values.size());
  const auto copies = [&](int n) {
    return Samples::of(n, [&] {
      for (int i = 0; i < receivers; i++) {
        std::memcpy(copy.data(), values.data(), bulk_bytes);
        asm volatile("" : : "r"(copy.data()) : "memory");
      }
    });
  };
  const auto sends = [&](int n) {
    return Samples::of(n, [&] { cohort::everywhere(pids, cohort::fn<size_of>, array); });
  };
  const auto outcomes = compare({{"memcpy, once for each", copies}, {"cohort everywhere", sends}}, setting.rounds, 1);
  for (const auto& outcome : outcomes)
    report.row("64 MiB to each of 16 workers", outcome.name,
               {{"ms", outcome.p50 / 1000}, {"over_memcpy", outcome.p50_ratio}});
  cohort::rmprocs(pids);
}
