// Calls from many threads at once, and channels.

#include <fmt/format.h>
#include <sys/resource.h>

#include <atomic>
#include <condition_variable>
#include <latch>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "floors/hand_written.hpp"
#include "groups.hpp"
#include "rounds.hpp"

namespace {

long context_switches() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_nvcsw + usage.ru_nivcsw;
}

int same(int x) { return x; }

/// `count` threads call `call()` until all together have done it `total` times. One sample, which begins when all of
/// them are there. @param switches the context switches of this process meanwhile.
template <class Call>
Samples from_threads(int count, int total, Samples& switches, Call call) {
  std::latch ready(count), start(1);
  std::vector<std::jthread> threads;
  for (int i = 0; i < count; i++) {
    threads.emplace_back([&] {
      ready.count_down();
      start.wait();
      for (int done = 0; done < total / count; done++) call();
    });
  }
  ready.wait();
  const long before = context_switches();
  Samples sample(1);
  const auto began = Samples::Clock::now();
  start.count_down();
  threads.clear();
  sample.add(Samples::Clock::now() - began);
  switches.add(static_cast<double>(context_switches() - before) / total);
  return sample;
}

/// A thread that answers those of its own process: what calls from many threads cost without any message, as each has
/// to be woken by itself when its answer is there.
class AnsweringThread {
 public:
  void ask() {
    std::atomic<int> answered{0};
    {
      std::lock_guard lock(mutex_);
      asked_.push_back(&answered);
    }
    come_.notify_one();
    answered.wait(0);
    // The other thread may still be about to wake this one, by the address of what is no more then. It does not touch
    // it.
  }

 private:
  void answer(const std::stop_token& stop) {
    std::vector<std::atomic<int>*> taken;
    for (;;) {
      {
        std::unique_lock lock(mutex_);
        if (!come_.wait(lock, stop, [&] { return !asked_.empty(); })) return;
        taken.swap(asked_);
      }
      for (auto* one : taken) {
        one->store(1);
        one->notify_one();
      }
      taken.clear();
    }
  }

  std::mutex mutex_;
  std::condition_variable_any come_;
  std::vector<std::atomic<int>*> asked_;  // guarded by mutex_
  std::jthread thread_{[this](const std::stop_token& stop) { answer(stop); }};
};

}  // namespace

void threads(Report& report, const Setting& setting) {
  Processes processes;
  AnsweringThread answering;
  const std::vector<int> counts = setting.quick ? std::vector{1, 16} : std::vector{1, 2, 16, 256, 2000};
  const auto total = [&](int count) { return (setting.quick ? 8'000 : 20'000) / count * count; };

  struct Way {
    std::string name;
    std::function<Samples(int count, Samples& switches)> run;
    cohort::Pid worker = cohort::no_pid;
    std::map<int, Samples> here{}, there{};  // context switches a call
  };
  const auto cohort_by = [&](const char* name, cohort::Pid worker) {
    return Way{name,
               [&, worker](int count, Samples& switches) {
                 return from_threads(count, total(count), switches,
                                     [&] { cohort::remotecall_fetch(cohort::fn<same>, worker, 1); });
               },
               worker};
  };
  std::vector<Way> ways{{"hand-written",
                         [&](int count, Samples& switches) {
                           auto& client = processes.peer.hand_written(total(count));
                           const int argument = 1;
                           return from_threads(count, total(count), switches, [&] {
                             client.submit(floors::HandWritten::no_op, &argument, sizeof argument).get();
                           });
                         }},
                        cohort_by("cohort by TCP", processes.by_tcp)};
  if (!setting.quick) {
    ways.push_back(cohort_by("cohort by default", processes.by_default));
    ways.push_back({"a thread of the same process", [&](int count, Samples& switches) {
                      return from_threads(count, total(count), switches, [&] { answering.ask(); });
                    }});
  }

  std::vector<Contender> contenders;
  for (Way& way : ways) {
    for (const int count : counts) {
      contenders.push_back({fmt::format("{}, {} threads", way.name, count), [&, count](int) {
                              if (way.worker == cohort::no_pid) return way.run(count, way.here[count]);
                              const long before = cohort::remotecall_fetch(cohort::fn<context_switches>, way.worker);
                              auto sample = way.run(count, way.here[count]);
                              const long after = cohort::remotecall_fetch(cohort::fn<context_switches>, way.worker);
                              way.there[count].add(static_cast<double>(after - before) / total(count));
                              return sample;
                            }});
    }
  }
  const auto outcomes = compare(contenders, std::min(setting.rounds, 10), 1);
  for (std::size_t i = 0; i < outcomes.size(); i++) {
    Way& way = ways[i / counts.size()];
    const std::size_t at = i % counts.size();
    const int count = counts[at];
    const auto& of = outcomes[i];
    Report::Cells cells{{"calls_per_s", total(count) / (of.p50 * 1e-6)},
                        {"times_one_thread", outcomes[i - at].p50_over(of) * total(count) / total(1)},
                        {"switches_a_call", way.here[count].median()}};
    if (way.worker != cohort::no_pid) {
      cells.emplace_back("at_the_worker", way.there[count].median());
      cells.emplace_back("share_of_hand", outcomes[at].p50_over(of));
    }
    report.row("calls from threads at once", of.name, std::move(cells));
  }
}

void channels(Report& report, const Setting& setting) {
  Processes processes;
  const cohort::Pid worker = processes.by_tcp;
  const int items = setting.quick ? 20'000 : 100'000;
  const auto one_by_one = [&](int) {
    const int few = items / 10;
    const cohort::RemoteChannel<int> channel(cohort::unlimited, worker);
    auto sample = Samples::of(1, [&] {
      for (int i = 0; i < few; i++) {
        channel.put(i);
        channel.take();
      }
    });
    Samples scaled(1);
    scaled.add(sample.median() * items / few);
    return scaled;
  };
  const auto in_batches = [&](int size) {
    return [&, size](int) {
      const cohort::RemoteChannel<int> channel(cohort::unlimited, worker);
      const std::vector<int> batch(static_cast<std::size_t>(size), 7);
      return Samples::of(1, [&] {
        std::jthread putting([&] {
          for (int i = 0; i < items; i += size) channel.put_all(batch);
        });
        for (std::size_t taken = 0; taken < static_cast<std::size_t>(items);)
          taken += channel.take_some(static_cast<std::size_t>(size)).size();
      });
    };
  };
  const auto hand_written = [&](int) { return floors::pipelined(processes.peer.hand_written(items), items, 1000); };
  const auto outcomes = compare({{"hand-written calls, 1000 open", hand_written},
                                 {"cohort put and take, one by one", one_by_one},
                                 {"cohort put_all and take_some, 100", in_batches(100)},
                                 {"cohort put_all and take_some, 1000", in_batches(1000)}},
                                setting.rounds, 1);
  for (const auto& outcome : outcomes) {
    report.row("items through a RemoteChannel at a worker", outcome.name,
               {{"items_per_s", items / (outcome.p50 * 1e-6)}, {"share_of_hand", 1 / outcome.p50_ratio}});
  }
}
