#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <tuple>
#include <utility>

#include <cohort/channel.hpp>
#include <cohort/detail/runtime.hpp>

namespace COHORT_EXPORT cohort {

/// One of the channels of a select(), and the handler for its items.
template <class T, class F>
struct SelectCase {
  Channel<T> channel;
  F handler;
};
template <class T, class F>
SelectCase<T, F> when(const Channel<T>& channel, F handler) {
  detail::check_not_null(handler);
  return {channel, std::move(handler)};
}

/// Waits until one of the channels has an item, takes it, and calls the handler of that channel:
/// `select(when(numbers, [](int n) {...}), when(words, [](std::string w) {...}))`. If several have one, the first in
/// this order is used. Channels that are closed and empty are skipped. May be called from any thread.
/// @return the index of the channel; nullopt, without waiting, if all are closed and empty.
/// @throws the exception with which one of the channels was closed, if there is one; and as every operation that waits.
template <class... T, class... F>
requires(sizeof...(T) > 0) std::optional<std::size_t> select(const WaitOptions& options, SelectCase<T, F>... cases) {
  const std::array<detail::ChannelPtr, sizeof...(T)> channels{detail::state_of(cases.channel)...};
  auto selected = detail::channel_select(channels, options);
  if (!selected) return std::nullopt;
  std::size_t place = 0;
  const auto call = [&]<class U, class G>(SelectCase<U, G>& one) {
    if (place++ == selected->index) one.handler(detail::value_of<U>(std::move(selected->item)));
  };
  (call(cases), ...);
  return selected->index;
}
template <class... T, class... F>
requires(sizeof...(T) > 0) std::optional<std::size_t> select(SelectCase<T, F>... cases) {
  return select(WaitOptions{}, std::move(cases)...);
}

}  // namespace cohort
