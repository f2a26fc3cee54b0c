#include <cohort/demand.hpp>

#include <algorithm>
#include <chrono>

#include "membership/router.hpp"
#include "parallel/map_progress.hpp"
#include "parallel/parallel_state.hpp"
#include "remote/call_context.hpp"

namespace cohort {
namespace {

constexpr double longest_work = 1e9;  // seconds

}  // namespace

Demand demand() {
  Router& router = *CurrentNode::get().router;
  Demand demand;
  double work = 0;
  for (const auto& map : router.parallel().maps()) {
    const std::size_t done = map->done, all = std::max(map->total, map->pulled.load());
    if (done >= all) continue;
    const double seconds = map->seconds;
    const double each = done > 0 && seconds > 0 ? seconds / static_cast<double>(done)
                                                : std::chrono::duration<double>(Clock::now() - map->begin).count();
    demand.items += all - done;
    work += each * static_cast<double>(all - done);
  }
  demand.work = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(std::min(work, longest_work)));
  demand.callers = router.parallel().callers_of_default_pool();
  for (const Pid pid : router.processes()) {
    const auto connection = pid == router.self() ? nullptr : router.existing_connection(pid);
    if (connection != nullptr && connection->requests().open() > 0) demand.busy.push_back(pid);
  }
  return demand;
}

}  // namespace cohort
