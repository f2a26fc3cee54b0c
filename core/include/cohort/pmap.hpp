#pragma once

#include <cstdint>
#include <deque>
#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <cohort/detail/checked.hpp>
#include <cohort/detail/map_engine.hpp>
#include <cohort/detail/map_job.hpp>
#include <cohort/pmap_options.hpp>

namespace COHORT_EXPORT cohort {

namespace detail {

template <class T>
struct Item {
  using type = serialized_as_t<T>;
};
template <class K, class V>
struct Item<std::pair<const K, V>> {  // of a map
  using type = std::pair<K, V>;
};
template <class R>
using item_t = typename Item<std::ranges::range_value_t<R>>::type;
// Distinguishes a range from options as the third argument.
template <class F, class... R>
concept TakesItemsOf = std::is_invocable_v < std::decay_t<F>
&, item_t<R>... > ;
template <class F, class... R>
using map_result_t = remote_result_t<std::decay_t<F>, item_t<R>...>;
template <class F, class... R>
using pmap_options_t = PmapOptions<map_result_t<F, R...>, item_t<R>...>;

/// Has no `type` if `f` does not take the items: clang 14 checks the types of parameters before the constraints of a
/// template.
template <class F, class... R>
struct OptionsOf {};
template <class F, class... R>
requires TakesItemsOf<F, R...>
struct OptionsOf<F, R...> {
  using type = pmap_options_t<F, R...>;
};

template <class... R>
std::size_t size_of_shortest(R&... ranges) {
  std::size_t size = 0;
  if constexpr ((std::ranges::sized_range<R> && ...)) {
    size = SIZE_MAX;
    ((size = static_cast<std::size_t>(std::ranges::size(ranges)) < size ? std::ranges::size(ranges) : size), ...);
  }
  return size;
}

/// Reads the elements of a range, or one element of each of several ranges at a time, up to the end of the shortest.
/// @tparam R references to ranges that outlive the source, or ranges that it keeps.
template <class... R>
class RangeSource final : public ItemSource {
 public:
  explicit RangeSource(R... ranges) : ItemSource(size_of_shortest(ranges...)), ranges_(static_cast<R&&>(ranges)...) {}

  std::shared_ptr<void> next() override { return next(std::index_sequence_for<R...>()); }

 private:
  template <std::size_t... I>
  std::shared_ptr<void> next(std::index_sequence<I...>) {
    if (!at_)
      at_.emplace(std::ranges::begin(std::get<I>(ranges_))...);
    else
      (++std::get<I>(*at_), ...);
    if (((std::get<I>(*at_) == std::ranges::end(std::get<I>(ranges_))) || ...)) return nullptr;
    return std::make_shared<item_of_t<item_t<R>...>>(static_cast<item_t<R>>(*std::get<I>(*at_))...);
  }

  std::tuple<R...> ranges_;
  std::optional<std::tuple<std::ranges::iterator_t<R>...>> at_;  // empty: begin() is not called yet
};

/// Calls `on_error` for an item, which has the type item_of_t<Items...>.
template <class R, class... Items>
R replacement(const ErrorHandler<R, Items...>& on_error, const std::exception_ptr& failure, const void* item) {
  return with_values<Items...>([&](const Items&... values) -> R { return on_error(failure, values...); },
                               const_cast<void*>(item));
}

/// The results of a map in the order of the items.
template <class R, class... Items>
class ResultVector final : public ResultSink {
 public:
  ResultVector(const ErrorHandler<R, Items...>& on_error, std::size_t expected) : on_error_(on_error) {
    values.resize(expected);
  }

  void load(InArchive& archive, std::size_t index) override {
    R value{};
    archive(value);
    at(index) = std::move(value);
  }
  bool replace(const std::exception_ptr& failure, const void* item, std::size_t index) override {
    if (!on_error_) return false;
    at(index) = replacement(on_error_, failure, item);
    return true;
  }

  std::vector<R> values;

 private:
  decltype(auto) at(std::size_t index) {
    if (index >= values.size()) values.resize(index + 1);
    return values[index];
  }

  const ErrorHandler<R, Items...>& on_error_;
};
template <class... Items>
class ResultVector<void, Items...> final : public ResultSink {
 public:
  ResultVector(const ErrorHandler<void, Items...>& on_error, std::size_t) : on_error_(on_error) {}

  void load(InArchive& archive, std::size_t) override {
    Nothing none;
    archive(none);
  }
  bool replace(const std::exception_ptr& failure, const void* item, std::size_t) override {
    if (on_error_) replacement(on_error_, failure, item);
    return static_cast<bool>(on_error_);
  }

 private:
  const ErrorHandler<void, Items...>& on_error_;
};

template <class R, class... Items>
MapEngine::Options engine_options(const PmapOptions<R, Items...>& options) {
  return {options.batch_size, options.retry_delays, options.retry_check, options.distributed,
          options.pool,       options.deadline,     options.stop_token,  options.progress};
}

template <class F, class... Items>
MapFunction map_function(F f) {
  using Job = MapJob<F, Items...>;
  return {portable(std::make_shared<const F>(std::move(f))), Job::id(), Job::coroutine, &save_function<F>,
          &save_object<item_of_t<Items...>>};
}

template <class F, class... R>
auto map_ranges(F f, const pmap_options_t<F, R...>& options, ItemSource& source) {
  using Result = map_result_t<F, R...>;
  if constexpr (std::is_same_v<Result, NoResult>) {  // a static_assert said why
    return std::vector<NoResult>();
  } else {
    ResultVector<Result, item_t<R>...> results(options.on_error, source.size);
    MapEngine(engine_options(options), map_function<F, item_t<R>...>(std::move(f)), source, results).run();
    if constexpr (!std::is_void_v<Result>) return std::move(results.values);
  }
}

/// The results of a map in the order in which they arrive. T is not void.
template <class T>
class ResultQueue : public ResultSink {
 public:
  void load(InArchive& archive, std::size_t index) override {
    T value{};
    archive(value);
    results.emplace_back(index, std::move(value));
  }
  std::deque<std::pair<std::size_t, T>> results;
};
template <class R, class... Items>
class ResultQueueOf final : public ResultQueue<stored_t<R>> {
 public:
  explicit ResultQueueOf(ErrorHandler<R, Items...> on_error) : on_error_(std::move(on_error)) {}

  bool replace(const std::exception_ptr& failure, const void* item, std::size_t index) override {
    if (!on_error_) return false;
    if constexpr (std::is_void_v<R>) {
      replacement(on_error_, failure, item);
      this->results.emplace_back(index, Nothing{});
    } else {
      this->results.emplace_back(index, replacement(on_error_, failure, item));
    }
    return true;
  }

 private:
  const ErrorHandler<R, Items...> on_error_;
};

/// The form in which a stream keeps its range: a reference if the program keeps the range.
template <class R>
using kept_range_t = std::conditional_t<std::is_lvalue_reference_v<R> && !std::ranges::view<std::remove_cvref_t<R>>, R,
                                        std::remove_cvref_t<R>>;

}  // namespace detail

/// Calls `f` for every element, on the workers of the cluster, and returns the results in the order of the elements: as
/// a std::vector, or nothing if `f` returns nothing. Each worker gets a new item when it has finished one (several if
/// they are short), so that uneven items balance. Workers that join while it runs take part. Without workers it runs in
/// this process. The captured values of `f` are sent to each worker once. Elements are read from the range when they
/// are needed, and copied.
/// @throws the first error that was not handled by on_error or a retry: RemoteException if `f` threw,
/// ProcessExitedException if its worker died; TimeoutError, CancelledException. Running calls are then cancelled, see
/// Future::cancel().
template <class F, std::ranges::input_range R>
requires detail::TakesItemsOf<F, R>
auto pmap(F f, R&& range, const typename detail::OptionsOf<F, R>::type& options = {}) {
  detail::RangeSource<R&> source(range);
  return detail::map_ranges<F, R>(std::move(f), options, source);
}
/// Does pmap() over several ranges: `f` gets one element of each. The map ends with the shortest range.
template <class F, std::ranges::input_range R1, std::ranges::input_range R2>
requires detail::TakesItemsOf<F, R1, R2>
auto pmap(F f, R1&& range1, R2&& range2, const typename detail::OptionsOf<F, R1, R2>::type& options = {}) {
  detail::RangeSource<R1&, R2&> source(range1, range2);
  return detail::map_ranges<F, R1, R2>(std::move(f), options, source);
}
template <class F, std::ranges::input_range R1, std::ranges::input_range R2, std::ranges::input_range R3>
auto pmap(F f, R1&& range1, R2&& range2, R3&& range3,
          const std::type_identity_t<detail::pmap_options_t<F, R1, R2, R3>>& options = {}) {
  detail::RangeSource<R1&, R2&, R3&> source(range1, range2, range3);
  return detail::map_ranges<F, R1, R2, R3>(std::move(f), options, source);
}

/// An input range of the results of a map, in the order in which they arrive: `std::pair<std::size_t, R>` with the
/// number of the element. It reads ahead only the next item of each worker, so the elements need not all fit into
/// memory.
template <class T>
class PmapStream {
 public:
  using Element = std::pair<std::size_t, T>;
  /// The parts of a stream; each one refers to those before it.
  struct Parts {
    std::unique_ptr<detail::ItemSource> source;
    std::unique_ptr<detail::ResultQueue<T>> queue;
    std::unique_ptr<detail::MapEngine> engine;
  };

  explicit PmapStream(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

  class Iterator {
   public:
    using value_type = Element;
    using difference_type = std::ptrdiff_t;
    explicit Iterator(PmapStream& stream) : stream_(&stream) {}
    Element& operator*() const { return *stream_->current_; }
    Iterator& operator++() {
      stream_->current_ = stream_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !stream_->current_; }

   private:
    PmapStream* stream_;
  };

  /// May be called once. @throws Error if the object was moved from.
  Iterator begin() {
    current_ = next();
    return Iterator(*this);
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  std::optional<Element> next() {
    auto& queue = detail::checked(parts_, "PmapStream")->queue->results;
    if (queue.empty() && !parts_->engine->next()) return std::nullopt;
    std::optional<Element> result = std::move(queue.front());
    queue.pop_front();
    return result;
  }

  std::unique_ptr<Parts> parts_;
  std::optional<Element> current_;
};

/// A pmap for more elements than fit into memory: `for (auto& [index, result] : pmap_stream(f, range)) ...`. The
/// iteration throws the errors. Elements are read and sent only while the program waits for the next result.
template <class F, std::ranges::input_range R>
auto pmap_stream(F f, R&& range, const std::type_identity_t<detail::pmap_options_t<F, R>>& options = {}) {
  using Result = detail::map_result_t<F, R>;
  using Item = detail::item_t<R>;
  using Stream = PmapStream<detail::stored_t<Result>>;
  if constexpr (std::is_same_v<Result, detail::NoResult>) {
    return Stream(nullptr);
  } else {
    auto parts = std::make_unique<typename Stream::Parts>();
    parts->source = std::make_unique<detail::RangeSource<detail::kept_range_t<R>>>(std::forward<R>(range));
    parts->queue = std::make_unique<detail::ResultQueueOf<Result, Item>>(options.on_error);
    parts->engine = std::make_unique<detail::MapEngine>(detail::engine_options(options),
                                                        detail::map_function<F, Item>(std::move(f)), *parts->source,
                                                        *parts->queue, true);
    return Stream(std::move(parts));
  }
}

}  // namespace cohort
