#include <cohort/distributed_loop.hpp>

#include <algorithm>

#include <cohort/error.hpp>

#include "base/log.hpp"

namespace cohort::detail {

namespace {
constexpr std::size_t most_sections = 10'000'000;  // each is a call
}

std::vector<Section> sections_of(std::size_t count, const LoopOptions& options) {
  const WorkerPool pool = options.pool ? *options.pool : default_worker_pool();
  const std::size_t workers = pool.length();
  if (workers == 0) throw Error("No active worker available in pool", ErrorKind::disconnected);
  std::vector<Section> sections;
  std::size_t begin = 0;
  const auto add = [&](std::size_t size) {
    sections.push_back({begin, size});
    begin += size;
  };
  switch (options.schedule) {
    case Schedule::fixed:
      for (const auto size : split_evenly(count, workers)) add(size);
      break;
    case Schedule::dynamic: {
      const std::size_t chunk = options.chunk > 0 ? options.chunk : std::max<std::size_t>(1, count / (16 * workers));
      if (count / chunk > most_sections)
        throw Error("a loop over " + std::to_string(count) + " elements in parts of " + std::to_string(chunk) +
                    " would have more than " + std::to_string(most_sections) + " of them: choose a larger chunk");
      while (begin < count) add(std::min(chunk, count - begin));
      break;
    }
    case Schedule::guided: {
      const std::size_t least = std::max<std::size_t>(1, options.chunk);
      while (begin < count) add(std::min(std::max(least, (count - begin) / (2 * workers)), count - begin));
      break;
    }
  }
  return sections;
}

void report_if_failed(const Future<void>& loop) {
  try {
    future_on_ready(*state_of(loop), [loop] {
      try {
        loop.wait();
      } catch (const std::exception& error) {
        log_error(std::string("a distributed_for that nobody waited for failed: ") + error.what());
      }
    });
  } catch (const std::exception&) {  // the session has ended, and said what it had to say
  }
}

}  // namespace cohort::detail
