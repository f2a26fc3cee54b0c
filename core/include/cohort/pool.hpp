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

namespace cohort {

namespace detail {
struct StarCall {
  template <class F, class Tuple>
  auto operator()(const F& f, Tuple arguments) const {
    return std::apply([&](auto&... a) { return f(std::move(a)...); }, arguments);
  }
};
}  // namespace detail

/// Worker processes for a while, in the manner of Python's multiprocessing.Pool: starts local workers, and removes them
/// at the end of its scope. A thin layer over pmap and remotecall, which do the same for any workers. Master only.
class Pool {
 public:
  /// @throws as addprocs.
  explicit Pool(int processes) : owned_(addprocs(processes)), workers_(owned_) {}
  /// The workers that there are; without any, one for each CPU.
  Pool() : owned_(nprocs() > 1 ? std::vector<Pid>{} : addprocs()), workers_(workers()) {}
  ~Pool() {
    try {
      close();
    } catch (const std::exception&) {  // removal goes on without us
    }
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Removes the workers that it started.
  void close() {
    if (!owned_.empty()) rmprocs(std::exchange(owned_, {}));
  }
  const WorkerPool& worker_pool() const { return workers_; }

  /// f of every element, in order. @param chunksize elements sent together.
  template <class F, std::ranges::input_range R>
  auto map(F f, R&& range, std::size_t chunksize = 1) const {
    return pmap(std::move(f), std::forward<R>(range), {.batch_size = chunksize, .pool = workers_});
  }
  /// f of the parts of every element, a tuple or pair.
  template <class F, std::ranges::input_range R>
  auto starmap(F f, R&& range, std::size_t chunksize = 1) const {
    return map(detail::bound<detail::StarCall>(std::move(f)), std::forward<R>(range), chunksize);
  }
  /// The same in the background; the range is copied.
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
  /// Results as they come: pairs of the element's number and the result.
  template <class F, std::ranges::input_range R>
  auto imap_unordered(F f, R&& range, std::size_t chunksize = 1) const {
    return pmap_stream(std::move(f), std::forward<R>(range), {.batch_size = chunksize, .pool = workers_});
  }
  /// One call on a free worker.
  template <class F, class... A>
  auto apply(F f, A&&... arguments) const {
    return remotecall_fetch(std::move(f), workers_, std::forward<A>(arguments)...);
  }
  /// The same in the background; the worker is waited for there, too.
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
