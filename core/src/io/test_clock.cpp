#include <cohort/detail/test_clock.hpp>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <vector>

#include <cohort/error.hpp>

#include "io/parker.hpp"
#include "io/reactor.hpp"
#include "io/timers.hpp"

namespace cohort::detail {
namespace {

constexpr std::chrono::seconds patience(60);

// Runs it on each loop, and waits. @throws Error if one of them stands still: something blocks it.
void on_each_loop(const std::function<void(Reactor&)>& operation) {
  std::vector<std::future<void>> done;
  Reactor::for_each([&](Reactor& reactor) {
    auto promise = std::make_shared<std::promise<void>>();
    done.push_back(promise->get_future());
    reactor.post([&reactor, operation, promise] {
      guard_loop([&] { operation(reactor); });
      promise->set_value();
    });
  });
  for (auto& each : done) {
    if (each.wait_for(patience) != std::future_status::ready)
      throw Error("the loop of a node stands still: a function of a plugin blocks it");
  }
}

}  // namespace

void advance_clock(Duration by) {
  clock_offset.fetch_add(by.count(), std::memory_order_relaxed);
  Parker::unpark_all();
  on_each_loop([](Reactor& reactor) { reactor.timers().ring(); });
}

void turn_loops() {
  on_each_loop([](Reactor&) {});
}

}  // namespace cohort::detail
