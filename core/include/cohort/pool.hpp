#pragma once

#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <cohort/async.hpp>
#include <cohort/cluster.hpp>
#include <cohort/detail/bound.hpp>
#include <cohort/pmap.hpp>

namespace COHORT_EXPORT cohort {

namespace detail {
struct StarCall {
  template <class F, class Tuple>
  auto operator()(const F& f, Tuple arguments) const {
    return std::apply([&](auto&... a) { return f(std::move(a)...); }, arguments);
  }
};
}  // namespace detail

/// Temporary worker processes, like Python's multiprocessing.Pool: it starts local workers, and its destructor removes
/// them. It is a thin layer over pmap and remotecall, which you can use with any workers. Master only.
class Pool {
 public:
  /// @throws as addprocs.
  explicit Pool(int processes) : owned_(addprocs(processes)), workers_(owned_) {}
  /// Uses the existing workers; if there are none, starts one for each CPU.
  Pool() : owned_(nprocs() > 1 ? std::vector<Pid>{} : addprocs()), workers_(workers()) {}
  ~Pool() {
    try {
      close();
    } catch (const std::exception&) {  // the removal continues in the background
    }
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Removes the workers that it started.
  void close() {
    if (!owned_.empty()) rmprocs(std::exchange(owned_, {}));
  }
  const WorkerPool& worker_pool() const { return workers_; }

  /// Returns f of every element, in order. @param chunksize number of elements that are sent together.
  template <class F, std::ranges::input_range R>
  auto map(F f, R&& range, std::size_t chunksize = 1) const {
    return pmap(std::move(f), std::forward<R>(range), {.batch_size = chunksize, .pool = workers_});
  }
  /// Like map(), for elements that are tuples or pairs: their parts are the arguments of f.
  template <class F, std::ranges::input_range R>
  auto starmap(F f, R&& range, std::size_t chunksize = 1) const {
    return map(detail::bound<detail::StarCall>(std::move(f)), std::forward<R>(range), chunksize);
  }
  /// Does map() in the background, and returns a future at once; the range is copied.
  template <class F, std::ranges::input_range R>
  auto map_async(F f, R range, std::size_t chunksize = 1) const {
    return async([f = std::move(f), range = std::move(range), chunksize, workers = workers_]() mutable {
      return pmap(std::move(f), range, {.batch_size = chunksize, .pool = workers});
    });
  }
  template <class F, std::ranges::input_range R>
  auto starmap_async(F f, R range, std::size_t chunksize = 1) const {
    return map_async(detail::bound<detail::StarCall>(std::move(f)), std::move(range), chunksize);
  }
  /// Returns results as soon as they arrive: pairs of the element's number and the result.
  template <class F, std::ranges::input_range R>
  auto imap_unordered(F f, R&& range, std::size_t chunksize = 1) const {
    return pmap_stream(std::move(f), std::forward<R>(range), {.batch_size = chunksize, .pool = workers_});
  }
  /// Waits for a free worker, calls f on it, and returns the result.
  template <class F, class... A>
  auto apply(F f, A&&... arguments) const {
    return remotecall_fetch(std::move(f), workers_, std::forward<A>(arguments)...);
  }
  /// Does apply() in the background, including the wait for a worker, and returns a future at once.
  template <class F, class... A>
  auto apply_async(F f, A&&... arguments) const {
    return async([f = std::move(f), workers = workers_,
                  stored = std::tuple<detail::serialized_as_t<A>...>(std::forward<A>(arguments)...)]() mutable {
      return std::apply([&](auto&... a) { return remotecall_fetch(std::move(f), workers, std::move(a)...); }, stored);
    });
  }

 private:
  std::vector<Pid> owned_;
  WorkerPool workers_;
};

}  // namespace cohort
