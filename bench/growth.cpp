// How time and memory grow: with workers, payload, calls under way, references, channels and threads. The first cell of
// a row is where it lies on the axis; bench/plot draws each section as lines.

#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <thread>
#include <vector>

#include "floors/hand_written.hpp"
#include "groups.hpp"
#include "rounds.hpp"

namespace {

std::size_t size_of(const cohort::Array<char>& bytes) { return bytes.size(); }
int same(int x) { return x; }

// Of this process, in MiB: what `work` needs at its peak above what was there before.
template <class Work>
double peak_of(Work work) {
  const auto resident = [](const std::string& kind) {
    std::ifstream file("/proc/self/status");
    for (std::string key; file >> key;) {
      double kib = 0;
      if (key == kind && file >> kib) return kib / 1024;
    }
    return 0.0;
  };
  std::ofstream("/proc/self/clear_refs") << "5";  // the peak is now what is resident
  const double before = resident("VmRSS:");
  work();
  return std::max(0.0, resident("VmHWM:") - before);
}

void by_workers(Report& report, const Setting& setting) {
  std::vector<cohort::Pid> pids;
  const double allocated = allocated_by(getpid());
  for (int count = 1; count <= setting.largest; count = count == 512 ? 1000 : count * 2) {
    const auto start = Samples::Clock::now();
    const auto added = cohort::addprocs(count - static_cast<int>(pids.size()));
    const double seconds = std::chrono::duration<double>(Samples::Clock::now() - start).count();
    pids.insert(pids.end(), added.begin(), added.end());
    cohort::everywhere(pids, [] {});
    const auto all = Samples::of(setting.rounds, [&] { cohort::fetch_all(pids, [] { return 1; }); });
    report.row("growth by workers", std::to_string(count),
               {{"workers", count},
                {"add_ms_each", seconds * 1000 / static_cast<double>(added.size())},
                {"fetch_all_us", all.median()},
                {"master_MiB", allocated_by(getpid()) - allocated},
                {"worker_pss_MiB", pss_of(cohort::process_info(pids.front()).ospid)}});
  }
  cohort::rmprocs(pids);
}

void by_payload(Report& report, const Setting& setting) {
  Processes processes;
  for (std::size_t bytes = 8; bytes <= 1u << 30; bytes = bytes >= 16u << 20 ? bytes * 4 : bytes * 8) {
    const cohort::Array<char> array{std::vector<char>(bytes)};
    const auto send_to = [&](cohort::Pid worker) {
      return [worker, &array](int n) {
        return Samples::of(n, [&] { cohort::remotecall_fetch(cohort::fn<size_of>, worker, array); });
      };
    };
    const int count = static_cast<int>(std::clamp<std::size_t>((16u << 20) / bytes, 1, 1000));
    std::vector<Outcome> outcomes;
    const double peak = peak_of([&] {
      outcomes = compare({{"raw TCP", [&](int n) { return processes.peer.raw_tcp_bulk(bytes, n); }},
                          {"cohort by TCP", send_to(processes.by_tcp)},
                          {"cohort by default", send_to(processes.by_default)}},
                         std::min(setting.rounds, 10), count);
    });
    report.row("growth by payload", fmt::format("{} B", bytes),
               {{"bytes", static_cast<double>(bytes)},
                {"tcp_us", outcomes[0].p50},
                {"cohort_by_tcp_us", outcomes[1].p50},
                {"cohort_by_default_us", outcomes[2].p50},
                {"by_tcp_over_tcp", outcomes[1].p50_ratio},
                {"by_default_over_tcp", outcomes[2].p50_ratio},
                {"peak_MiB", peak}});
  }
}

void by_calls(Report& report, const Setting& setting) {
  Processes processes;
  for (int open = 1; open <= 100'000; open *= 10) {
    const int calls = open == 1 ? 10'000 : 100'000;
    std::vector<Outcome> outcomes;
    const double peak = peak_of([&] { pipelined(processes.by_tcp, calls, open); });
    outcomes =
        compare({{"hand", [&](int) { return floors::pipelined(processes.peer.hand_written(calls), calls, open); }},
                 {"cohort", [&](int) { return pipelined(processes.by_tcp, calls, open); }}},
                std::min(setting.rounds, 10), 1);
    report.row("growth by calls under way", std::to_string(open),
               {{"calls_open", open},
                {"hand_written_a_second", calls / (outcomes[0].p50 * 1e-6)},
                {"cohort_a_second", calls / (outcomes[1].p50 * 1e-6)},
                {"share_of_hand", 1 / outcomes[1].p50_ratio},
                {"peak_MiB", peak}});
  }
}

void by_threads(Report& report, const Setting& setting) {
  Processes processes;
  const auto calls_of = [&](int threads, int calls) {
    return Samples::of(1, [&] {
      std::vector<std::jthread> all;
      for (int i = 0; i < threads; i++) {
        all.emplace_back([&] {
          for (int done = 0; done < calls / threads; done++)
            cohort::remotecall_fetch(cohort::fn<same>, processes.by_tcp, 1);
        });
      }
    });
  };
  for (int count = 1; count <= 2048; count *= 2) {
    constexpr int calls = 20'480;
    const double peak = peak_of([&] { calls_of(count, calls); });
    Samples times;
    for (int i = 0; i < std::min(setting.rounds, 5); i++) times.add(calls_of(count, calls).median());
    report.row("growth by threads", std::to_string(count),
               {{"threads", count}, {"calls_per_s", calls / (times.median() * 1e-6)}, {"peak_MiB", peak}});
  }
}

// Things that this process has at a worker: `make` makes one, and uses it once.
template <class Thing, class Make>
void by_number(Report& report, const Setting& setting, const std::string& section, Make make) {
  const cohort::Pid worker = cohort::addprocs(1).front();
  for (int count = 1; count <= 100'000; count *= 10) {
    const auto there = [&] { return allocated_by(cohort::process_info(worker).ospid); };
    const double here_before = allocated_by(getpid()), there_before = there();
    std::vector<Thing> things;
    const auto start = Samples::Clock::now();
    for (int i = 0; i < count; i++) things.push_back(make(worker));
    const double seconds = std::chrono::duration<double>(Samples::Clock::now() - start).count();
    const double here = allocated_by(getpid()) - here_before, at_the_worker = there() - there_before;
    Samples calls;
    for (int i = 0; i < setting.rounds; i++) {
      calls.add(Samples::of(100, [&] { cohort::remotecall_fetch(cohort::fn<same>, worker, 1); }).median());
    }
    report.row(section, std::to_string(count),
               {{"count", count},
                {"us_each", seconds * 1e6 / count},
                {"call_meanwhile_us", calls.median()},
                {"here_MiB", std::max(0.0, here)},
                {"worker_MiB", std::max(0.0, at_the_worker)}});
  }
  cohort::rmprocs(worker);
}

void by_references(Report& report, const Setting& setting) {
  by_number<cohort::Future<int>>(report, setting, "growth by references", [](cohort::Pid worker) {
    cohort::Future<int> future(worker);
    future.put(1);
    return future;
  });
}

void by_channels(Report& report, const Setting& setting) {
  by_number<cohort::RemoteChannel<int>>(report, setting, "growth by channels", [](cohort::Pid worker) {
    cohort::RemoteChannel<int> channel(1, worker);
    channel.put(1);
    return channel;
  });
}

}  // namespace

void growth(Report& report, const Setting& setting) {
  by_workers(report, setting);
  by_payload(report, setting);
  by_calls(report, setting);
  by_references(report, setting);
  by_channels(report, setting);
  by_threads(report, setting);
}
