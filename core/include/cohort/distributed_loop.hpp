#pragma once

#include <cstddef>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

#include <cohort/detail/bound.hpp>
#include <cohort/pmap.hpp>
#include <cohort/range.hpp>

namespace COHORT_EXPORT cohort {

/// How a loop's range is divided.
enum class Schedule {
  fixed,    ///< a part for each worker, all of the same length, in the order of the workers (OpenMP's static)
  dynamic,  ///< parts of `chunk` elements; who is done with one gets the next
  guided    ///< the same, but the parts begin long and get shorter, down to `chunk`
};

/// Options of a loop: `distributed_reduce(op, range, f, {.schedule = Schedule::dynamic})`.
struct LoopOptions {
  Schedule schedule = Schedule::fixed;
  std::size_t chunk = 0;  ///< elements. 0: for dynamic so that each worker gets about 16 parts, for guided 1
  /// Pauses before the retries of a part whose worker died or whose body threw; retries use another worker if possible.
  /// Only for bodies that may run twice.
  RetryDelays retry_delays = {};
  std::optional<WorkerPool> pool = {};  ///< by default that of all workers
  Deadline deadline = {};
  std::stop_token stop_token = {};
};

namespace detail {

struct Section {
  std::size_t begin = 0, size = 0;
};
/// Returns the parts of `count` elements, in order. @throws Error if there are no workers.
std::vector<Section> sections_of(std::size_t count, const LoopOptions& options);

template <std::ranges::random_access_range R>
auto elements_of(const R& range, Section section) {
  using T = item_t<R>;
  const auto begin = std::ranges::begin(range) + static_cast<std::ranges::range_difference_t<R>>(section.begin);
  return std::vector<T>(begin, begin + static_cast<std::ranges::range_difference_t<R>>(section.size));
}
template <class T>
Range<T> elements_of(const Range<T>& range, Section section) {
  return {range[section.begin], range[section.begin + section.size - 1], range.step};
}

template <class R>
using sections_t = decltype(elements_of(std::declval<const R&>(), Section{}));

struct ReducePart {
  template <class Op, class F, class Elements>
  auto operator()(const Op& op, const F& f, Elements elements) const {
    using Value = decltype(f(*std::ranges::begin(elements)));
    using Sum = std::decay_t<std::invoke_result_t<const Op&, std::decay_t<Value>, std::decay_t<Value>>>;
    auto element = std::ranges::begin(elements);
    Sum sum = f(*element);
    for (++element; element != std::ranges::end(elements); ++element) sum = op(std::move(sum), f(*element));
    return sum;
  }
};

struct ForPart {
  template <class F, class Elements>
  void operator()(const F& f, Elements elements) const {
    for (auto&& element : elements) f(element);
  }
};

/// The sections of a range. The range outlives the source.
template <class R>
class SectionSource final : public ItemSource {
 public:
  SectionSource(const R& range, std::vector<Section> sections)
      : ItemSource(sections.size()), range_(range), sections_(std::move(sections)) {}

  std::shared_ptr<void> next() override {
    if (at_ == sections_.size()) return nullptr;
    return std::make_shared<sections_t<R>>(elements_of(range_, sections_[at_++]));
  }

 private:
  const R& range_;
  const std::vector<Section> sections_;
  std::size_t at_ = 0;
};

template <class F, class R>
auto map_sections(F part, const R& range, const LoopOptions& options) {
  using Elements = sections_t<R>;
  SectionSource<R> source(range, sections_of(std::ranges::size(range), options));
  return map_ranges<F, std::vector<Elements>>(std::move(part),
                                              {.retry_delays = options.retry_delays,
                                               .pool = options.pool,
                                               .deadline = options.deadline,
                                               .stop_token = options.stop_token},
                                              source);
}

void report_if_failed(const Future<void>& loop);

/// Reports the error of a wrong loop in one sentence; as check_call().
template <class F, class R>
constexpr bool check_body() {
  if constexpr (!check_function<F>()) {
    return false;
  } else if constexpr (constexpr bool fits = std::is_invocable_v<const F&, std::ranges::range_reference_t<const R>>;
                       !fits) {
    static_assert(fits,
                  "cohort: the function of a loop is called with one element of the range, and its operator() must be "
                  "const; values besides are passed by capture(values..., lambda)");
    return false;
  } else {
    using Returned = std::invoke_result_t<const F&, std::ranges::range_reference_t<const R>>;
    constexpr bool returns_at_once = !is_task<std::decay_t<Returned>>;
    static_assert(returns_at_once, "cohort: the function of a loop cannot be a coroutine; pmap() runs coroutines");
    return returns_at_once;
  }
}

template <class Op, class F, class R>
constexpr bool check_reduction() {
  if constexpr (!check_function<Op>() || !check_body<F, R>()) {
    return false;
  } else {
    using Value = std::decay_t<std::invoke_result_t<const F&, std::ranges::range_reference_t<const R>>>;
    constexpr bool can_reduce = std::is_invocable_v<const Op&, Value, Value>;
    static_assert(can_reduce,
                  "cohort: distributed_reduce calls the operation with two values that the function returned, and it "
                  "cannot be called with these");
    return can_reduce;
  }
}

}  // namespace detail

/// Returns `op(... op(op(f(first), f(second)), f(third)) ...)`. The range is divided among the workers; each worker
/// reduces its part, and this process reduces the partial results, in the order of the range. So `op` must be
/// associative, but need not be commutative. `f` is called with elements of the range. Waits for the result.
/// @throws Error if the range is empty, because there is no value to return; else as pmap().
template <class Op, std::ranges::random_access_range R, class F>
requires std::ranges::sized_range<R>
auto distributed_reduce(Op op, const R& range, F f, const LoopOptions& options = {}) {
  if constexpr (!detail::check_reduction<Op, F, R>()) {
    return detail::NoResult{};
  } else {
    detail::check_not_null(op);
    detail::check_not_null(f);
    auto parts = detail::map_sections(detail::bound<detail::ReducePart>(op, std::move(f)), range, options);
    if (parts.empty()) throw Error("distributed_reduce: an empty range has no value");
    auto sum = std::move(parts.front());
    for (std::size_t i = 1; i < parts.size(); i++) sum = op(std::move(sum), std::move(parts[i]));
    return sum;
  }
}

/// Reports the error if the range is written first.
template <std::ranges::range R, class Op, class F>
detail::NoResult distributed_reduce(const R&, const Op&, const F&) {
  static_assert(sizeof(R) == 0, "cohort: the operation comes first: distributed_reduce(op, range, f)");
  return {};
}

/// A loop that runs on the workers. If the handle is destroyed without wait(), the loop continues, and a failure is
/// printed on standard error. Any thread may use it.
class [[nodiscard]] DistributedLoop {
 public:
  explicit DistributedLoop(Future<void> done) : done_(std::move(done)) {}
  ~DistributedLoop() {
    if (done_.valid() && !waited_) detail::report_if_failed(done_);
  }
  DistributedLoop(DistributedLoop&& other) noexcept
      : done_(std::exchange(other.done_, {})), waited_(std::exchange(other.waited_, true)) {}
  DistributedLoop& operator=(DistributedLoop&& other) noexcept {
    std::swap(done_, other.done_);
    std::swap(waited_, other.waited_);
    return *this;
  }

  /// Waits for the end of the loop. @throws its error, as pmap(); TimeoutError and CancelledException of this wait.
  void wait(const WaitOptions& options = {}) {
    try {
      done_.wait(options);
    } catch (...) {
      waited_ = waited_ || done_.is_ready();
      throw;
    }
    waited_ = true;
  }
  bool is_ready() const { return done_.is_ready(); }
  /// Cancels the parts that run and those that have not begun. wait() then throws.
  void cancel() const { done_.cancel(); }

 private:
  Future<void> done_;
  bool waited_ = false;
};

/// Calls `f` on the workers for every element of the range, which is copied, and returns at once. Changes that `f`
/// makes to variables stay in its worker.
template <std::ranges::random_access_range R, class F>
requires std::ranges::sized_range<R> DistributedLoop distributed_for(R range, F f, LoopOptions options = {}) {
  auto done = detail::make_future(no_pid);
  if constexpr (detail::check_body<F, R>()) {
    detail::check_not_null(f);
    detail::run_here(
        [done, range = std::move(range), f = std::move(f), options = std::move(options)] {
          detail::map_sections(detail::bound<detail::ForPart>(f), range, options);
          detail::future_put(*done, std::make_shared<detail::Nothing>(), &detail::encode_object<void>);
        },
        done);
  }
  return DistributedLoop(Future<void>(done));
}

}  // namespace cohort
