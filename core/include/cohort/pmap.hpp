#pragma once

#include <iterator>
#include <memory>
#include <optional>
#include <ranges>
#include <tuple>
#include <utility>
#include <vector>

#include <cohort/detail/checked.hpp>
#include <cohort/detail/mapping.hpp>
#include <cohort/pmap_options.hpp>

namespace cohort {

namespace detail {

template <class T>
struct Item {
  using type = travelling_t<T>;
};
template <class K, class V>
struct Item<std::pair<const K, V>> {  // of a map
  using type = std::pair<K, V>;
};
template <class R>
using item_t = typename Item<std::ranges::range_value_t<R>>::type;
// Tells a range from options in the third place.
template <class F, class... R>
concept TakesItemsOf = std::is_invocable_v < std::decay_t<F>
&, item_t<R>... > ;
template <class F, class... R>
using mapping_t = Mapping<std::decay_t<F>, item_t<R>...>;
template <class F, class... R>
using pmap_options_t = typename mapping_t<F, R...>::Options;
template <class F, class... R>
using pmap_result_t = typename mapping_t<F, R...>::Result;

/// Takes from all ranges at once, up to the end of the shortest.
template <class... V>
Source<item_t<V>...> source_of(V... views) {
  struct State {
    explicit State(V... v) : ranges(std::move(v)...) {}
    std::tuple<V...> ranges;
    std::optional<std::tuple<std::ranges::iterator_t<V>...>> at;
  };
  Source<item_t<V>...> source;
  if constexpr ((std::ranges::sized_range<V> && ...))
    source.size = std::min({static_cast<std::size_t>(std::ranges::size(views))...});
  auto state = std::make_shared<State>(std::move(views)...);
  source.next = [state]() -> std::optional<std::tuple<item_t<V>...>> {
    return [&]<std::size_t... I>(std::index_sequence<I...>)->std::optional<std::tuple<item_t<V>...>> {
      if (!state->at)
        state->at.emplace(std::ranges::begin(std::get<I>(state->ranges))...);
      else
        (++std::get<I>(*state->at), ...);
      if (((std::get<I>(*state->at) == std::ranges::end(std::get<I>(state->ranges))) || ...)) return std::nullopt;
      return std::tuple<item_t<V>...>(static_cast<item_t<V>>(*std::get<I>(*state->at))...);
    }
    (std::index_sequence_for<V...>{});
  };
  return source;
}

template <class Map>
auto results_in_order(Map& map, std::size_t expected) {
  using Result = typename Map::Result;
  std::vector<std::optional<typename Map::Stored>> results(expected);
  std::size_t count = 0;
  while (auto result = map.next()) {
    if (result->first >= results.size()) results.resize(result->first + 1);
    results[result->first] = std::move(result->second);
    count++;
  }
  if constexpr (!std::is_void_v<Result>) {
    std::vector<Result> values;
    values.reserve(count);
    for (auto& result : results) {
      if (result) values.push_back(std::move(*result));
    }
    return values;
  }
}

}  // namespace detail

/// Calls `f` for every element, on the workers of the cluster, and gives the results in the order of the elements: a
/// std::vector, or nothing where f returns nothing. Each worker gets a new item when it is done with one (of short
/// ones several), so that uneven items balance. Workers that join while it runs take part.
/// Without workers it runs in this process. What `f` captured travels to each worker once. Elements are pulled from the
/// range as they are needed, and copied.
/// @throws the first error that on_error and retries did not mend: RemoteException what f threw,
/// ProcessExitedException its worker died; TimeoutError, CancelledException. What is under way then is called off,
/// see Future::cancel().
template <class F, std::ranges::input_range R>
requires detail::TakesItemsOf<F, R>
auto pmap(F f, R&& range, const std::type_identity_t<detail::pmap_options_t<F, R>>& options = {}) {
  auto source = detail::source_of(std::views::all(std::forward<R>(range)));
  const std::size_t size = source.size;
  detail::mapping_t<F, R> map(std::move(f), std::move(source), options);
  return detail::results_in_order(map, size);
}
/// Of several ranges: f takes an element of each. It ends with the shortest.
template <class F, std::ranges::input_range R1, std::ranges::input_range R2>
requires detail::TakesItemsOf<F, R1, R2>
auto pmap(F f, R1&& range1, R2&& range2, const std::type_identity_t<detail::pmap_options_t<F, R1, R2>>& options = {}) {
  auto source = detail::source_of(std::views::all(std::forward<R1>(range1)), std::views::all(std::forward<R2>(range2)));
  const std::size_t size = source.size;
  detail::mapping_t<F, R1, R2> map(std::move(f), std::move(source), options);
  return detail::results_in_order(map, size);
}
template <class F, std::ranges::input_range R1, std::ranges::input_range R2, std::ranges::input_range R3>
auto pmap(F f, R1&& range1, R2&& range2, R3&& range3,
          const std::type_identity_t<detail::pmap_options_t<F, R1, R2, R3>>& options = {}) {
  auto source = detail::source_of(std::views::all(std::forward<R1>(range1)), std::views::all(std::forward<R2>(range2)),
                                  std::views::all(std::forward<R3>(range3)));
  const std::size_t size = source.size;
  detail::mapping_t<F, R1, R2, R3> map(std::move(f), std::move(source), options);
  return detail::results_in_order(map, size);
}

/// The results of a map as they come, `std::pair<std::size_t, R>` with the number of the element: an input range. It
/// looks ahead no further than to the next item of each worker, so that the elements may be more than memory holds.
template <class Map>
class PmapStream {
 public:
  using Element = std::pair<std::size_t, typename Map::Stored>;

  explicit PmapStream(std::unique_ptr<Map> map) : map_(std::move(map)) {}

  class Iterator {
   public:
    using value_type = Element;
    using difference_type = std::ptrdiff_t;
    explicit Iterator(PmapStream& stream) : stream_(&stream) {}
    Element& operator*() const { return *stream_->current_; }
    Iterator& operator++() {
      stream_->current_ = stream_->map_->next();
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return !stream_->current_; }

   private:
    PmapStream* stream_;
  };

  /// Once. @throws Error it was moved from.
  Iterator begin() {
    current_ = detail::checked(map_, "PmapStream")->next();
    return Iterator(*this);
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  std::unique_ptr<Map> map_;
  std::optional<Element> current_;
};

/// pmap for more than memory holds: `for (auto& [index, result] : pmap_stream(f, range)) ...`. An error is thrown where
/// the iteration is. Elements are pulled, and sent out, only while the program asks for the next result.
template <class F, std::ranges::input_range R>
auto pmap_stream(F f, R&& range, const std::type_identity_t<detail::pmap_options_t<F, R>>& options = {}) {
  using Map = detail::mapping_t<F, R>;
  return PmapStream<Map>(
      std::make_unique<Map>(std::move(f), detail::source_of(std::views::all(std::forward<R>(range))), options, 1));
}

}  // namespace cohort
