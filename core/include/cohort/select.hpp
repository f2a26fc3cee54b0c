#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <tuple>
#include <utility>

#include <cohort/channel.hpp>
#include <cohort/detail/runtime.hpp>

namespace cohort {

/// One of the channels of a select(), and what to do with its items.
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

/// Takes one item of whichever channel has one first (of several: the first in this order), and calls its handler:
/// `select(when(numbers, [](int n) {...}), when(words, [](std::string w) {...}))`. A channel that is closed and has
/// nothing left is passed over. Any thread.
/// @return the place of the channel; nullopt when all are closed, at once.
/// @throws what one of the channels was closed with, if anything; as every wait, when it is called off.
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
