#pragma once

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <cohort/array.hpp>
#include <cohort/detail/members.hpp>
#include <cohort/detail/parts.hpp>
#include <cohort/everywhere.hpp>
#include <cohort/nd_array.hpp>

// Calls to the processes that have the parts of an array, and what happens if one of them is gone.

namespace COHORT_EXPORT cohort {
namespace detail {

/// Which process is asked for each place: its owner, or who has the copy if the owner is gone.
template <std::size_t N>
Pid holder_of(const ArrayHead<N>& head, std::size_t place) {
  const Placement& placement = head.placement;
  const Pid owner = placement.owners[place];
  if (placement.copies.empty() || is_alive(owner)) return owner;
  const Pid copy = placement.copies[place];
  return copy != no_pid && is_alive(copy) ? copy : owner;
}

/// The other process that has the place; no_pid if there is none, or it is gone.
template <std::size_t N>
Pid other_holder(const ArrayHead<N>& head, std::size_t place, Pid holder) {
  const Placement& placement = head.placement;
  if (placement.copies.empty()) return no_pid;
  const Pid other = holder == placement.owners[place] ? placement.copies[place] : placement.owners[place];
  return other != no_pid && other != holder && is_alive(other) ? other : no_pid;
}

/// Calls to the holders of places, all at the same time. If a holder ends meanwhile, the other one is called.
template <class R, std::size_t N, class Call>
class PlaceCalls {
 public:
  /// @param call does `start_or_fetch(function, holder, arguments...)` for a place: `call(start_or_fetch, holder,
  /// place, number)`
  PlaceCalls(const ArrayHead<N>& head, Call call) : head_(head), call_(std::move(call)) {}

  /// Starts a call. @return its number.
  std::size_t start(std::size_t place) {
    Started started{place, holder_of(head_, place), {}};
    try {
      started.answer =
          call_([](const auto&... what) { return call_member(what...); }, started.holder, place, started_.size());
    } catch (const ProcessExitedException&) {  // finish() tries again
    }
    started_.push_back(std::move(started));
    return started_.size() - 1;
  }
  /// Lets finish() do the call, which is faster if it is the only one.
  void postpone(std::size_t place) { started_.push_back({place, holder_of(head_, place), {}}); }
  std::size_t size() const { return started_.size(); }
  /// Waits for the answer. @throws ProcessExitedException that says which part was lost.
  R finish(std::size_t number) {
    Started& started = started_[number];
    for (;;) {
      try {
        if (auto answer = std::exchange(started.answer, {}); answer.valid()) return std::move(answer).get();
        return call_([](const auto&... what) { return fetch_member(what...); }, started.holder, started.place, number);
      } catch (const Error&) {
        const auto death = death_in(std::current_exception());
        if (death == nullptr) throw;
        if (dead_process(death) != started.holder) std::rethrow_exception(death);
        started.holder = other_holder(head_, started.place, started.holder);
        if (started.holder == no_pid) fail_lost(death, to_string(head_.region(started.place).hull()), head_.extents());
      }
    }
  }

 private:
  struct Started {
    std::size_t place;
    Pid holder;
    Future<R> answer;
  };
  const ArrayHead<N>& head_;
  Call call_;
  std::vector<Started> started_;
};
template <class R, std::size_t N, class Call>
PlaceCalls<R, N, Call> place_calls(const ArrayHead<N>& head, Call call) {
  return {head, std::move(call)};
}

/// @throws ProcessExitedException that says which part was lost, if a place is left to nobody.
template <std::size_t N>
void check_holders(const ArrayHead<N>& head) {
  if (is_whole(head.placement)) return;
  for (std::size_t place = 0; place < head.places(); place++)
    if (const Pid holder = holder_of(head, place); !is_alive(holder))
      fail_lost(death_of(holder), to_string(head.region(place).hull()), head.extents());
}

/// The part of this process. @throws Error if the array was closed.
template <class Values, std::size_t N>
std::shared_ptr<PartOf<Values, N>> part_here(const UniqueId& array, std::size_t place) {
  auto part = find_part(array, place, myid());
  if (part == nullptr || part->type != typeid(PartOf<Values, N>)) fail_closed();
  return std::static_pointer_cast<PartOf<Values, N>>(std::move(part));
}

/// Runs on each process for all of its places.
template <class Body>
struct PlacesCall {
  [[no_unique_address]] Portable<Body> body;

  template <std::size_t N, class... A>
  auto operator()(const ArrayHead<N>& head, const std::vector<Pid>& holders, const A&... arguments) {
    using R = std::invoke_result_t<Body&, const ArrayHead<N>&, std::size_t, const A&...>;
    std::vector<R> results;
    for (std::size_t place = 0; place < holders.size(); place++)
      if (holders[place] == myid()) results.push_back(body.function(head, place, arguments...));
    return results;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(body);
  }
};

/// Calls `body(head, place, arguments...)` for each place, in the process that has it, at the same time; one message to
/// each process. If one ends, those that have the copies are asked. @return the results, in the order of the places.
/// @throws what the body threw for the first place that failed; ProcessExitedException for a part that is lost.
template <class Body, std::size_t N, class... A>
auto on_each_place(const ArrayHead<N>& head, Body body, const A&... arguments) {
  using R = std::invoke_result_t<Body&, const ArrayHead<N>&, std::size_t, const A&...>;
  std::vector<std::optional<R>> results(head.places());
  std::vector<Pid> holders(head.places());
  for (std::size_t place = 0; place < holders.size(); place++) holders[place] = holder_of(head, place);
  const PlacesCall<Body> call{{std::move(body)}};
  for (;;) {
    std::vector<Pid> pids = holders;
    std::erase(pids, no_pid);
    if (pids.empty()) break;
    auto calls = fetch_all(pids, call, head, holders, arguments...);
    std::exception_ptr failure;
    std::vector<Pid> next(holders.size(), no_pid);
    for (auto& [pid, answer] : calls) {
      std::vector<R> values;
      try {
        try {
          values = answer.get();
        } catch (const Error&) {
          if (!is_unconnected(std::current_exception())) throw;
          values = remotecall_fetch(Passing<PlacesCall<Body>>{{call}}, master_pid, pid, head, holders, arguments...);
        }
      } catch (const std::exception&) {
        const auto cause = std::current_exception();
        const auto death = death_in(cause);
        for (std::size_t place = 0; place < holders.size(); place++) {
          if (holders[place] != pid) continue;
          if (death != nullptr && dead_process(death) == pid) {
            next[place] = other_holder(head, place, pid);
            if (next[place] == no_pid) fail_lost(death, to_string(head.region(place).hull()), head.extents());
          } else if (failure == nullptr) {
            failure = death != nullptr ? death : cause;
          }
        }
        continue;
      }
      std::size_t i = 0;
      for (std::size_t place = 0; place < holders.size(); place++)
        if (holders[place] == pid && i < values.size()) results[place] = std::move(values[i++]);
    }
    if (failure != nullptr) std::rethrow_exception(failure);
    holders = std::move(next);
  }
  std::vector<R> all;
  for (auto& result : results) all.push_back(std::move(*result));
  return all;
}

// How elements are copied from and to the values of a part, which may be in the memory of a device.

template <class T, std::size_t N>
NdArray<T, N> copy_out(const NdArray<T, N>& values, const Region<N>& region, const Region<N>& wanted) {
  NdArray<T, N> result(Uninitialized(), wanted.extents());
  for_each_common(region, wanted, [&](std::size_t from, std::size_t to, std::size_t count) {
    std::copy_n(values.data() + from, count, result.data() + to);
  });
  return result;
}
template <class Values, std::size_t N>
auto copy_out(const Values& values, const Region<N>& region, const Region<N>& wanted) {
  return copy_out(values.copy(), region, wanted);
}

/// Elements that are sent to another process: they stay in the memory into which they were received, until they are
/// copied to where they belong.
template <class T, std::size_t N>
class Received {
 public:
  Received() : extents_{} {}
  Received(NdArray<T, N> array) : extents_(array.extents()) {
    auto kept = std::make_shared<const NdArray<T, N>>(std::move(array));
    elements_ = Array<T>(kept, kept->data(), kept->size());
  }
  /// @param elements may belong to an object that the caller keeps until they were sent
  Received(Array<T> elements, const Extents<N>& extents) : extents_(extents), elements_(std::move(elements)) {}
  const Extents<N>& extents() const { return extents_; }
  const T* data() const { return elements_.data(); }
  NdArray<T, N> copy() const {
    NdArray<T, N> result(Uninitialized(), extents_);
    std::copy_n(data(), result.size(), result.data());
    return result;
  }

  template <class Archive>
  void save(Archive& archive) const {
    archive(extents_, elements_);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(extents_, elements_);
    if (elements_.size() != element_count(extents_, sizeof(T)))
      throw BadMessage("elements of an array with other extents");
  }

 private:
  Extents<N> extents_;
  Array<T> elements_;
};
/// As it is sent. What is not plain data is decoded into an array of its own anyway.
template <class T, std::size_t N>
using Sent = std::conditional_t<bitwise<T>(), Received<T, N>, NdArray<T, N>>;
template <class T, std::size_t N>
NdArray<T, N> to_array(const Received<T, N>& received) {
  return received.copy();
}
template <class T, std::size_t N>
NdArray<T, N> to_array(NdArray<T, N> array) {
  return array;
}

/// The first of some elements that are consecutive in memory; null if they are not.
template <class T, std::size_t N>
const T* consecutive(const NdArray<T, N>& values, const Region<N>& region, const Region<N>& wanted) {
  std::size_t begin = 0, stretches = 0;
  for_each_common(region, wanted, [&](std::size_t from, std::size_t, std::size_t) {
    begin = from;
    stretches++;
  });
  return stretches == 1 ? values.data() + begin : nullptr;
}
/// Elements for a call to `pid`; without a copy if they are consecutive, and `values` outlives the call.
template <class T, std::size_t N>
Sent<T, N> sent_to(Pid pid, const NdArray<T, N>& values, const Region<N>& region, const Region<N>& wanted) {
  if constexpr (bitwise<T>())
    if (const T* first = consecutive(values, region, wanted); first != nullptr && pid != myid())
      return {Array<T>(nullptr, first, element_count(wanted.extents())), wanted.extents()};
  return copy_out(values, region, wanted);
}
/// A copy of elements, for the result of a call. It is in memory of the core, which is used again for the next message.
template <class Values, std::size_t N>
auto copy_to_send(const Values& values, const Region<N>& region, const Region<N>& wanted)
    -> Sent<element_of<Values>, N> {
  using T = element_of<Values>;
  if constexpr (bitwise<T>() && std::is_same_v<Values, NdArray<T, N>>)
    if (const T* first = consecutive(values, region, wanted)) {
      Payload copy;
      copy.segments.push_back(
          {nullptr, reinterpret_cast<const std::byte*>(first), element_count(wanted.extents()) * sizeof(T)});
      copy.own();
      return {Array<T>(copy.segments[0]), wanted.extents()};
    }
  return copy_out(values, region, wanted);
}

enum class Writing : std::uint8_t { put, add };

template <class From, class T, std::size_t N>
void copy_in(const From& from, const Region<N>& from_region, NdArray<T, N>& values, const Region<N>& region,
             Writing writing) {
  for_each_common(from_region, region, [&](std::size_t a, std::size_t b, std::size_t count) {
    if (writing == Writing::put) {
      std::copy_n(from.data() + a, count, values.data() + b);
    } else if constexpr (requires(T x) { x = x + x; }) {
      for (std::size_t i = 0; i < count; i++) values[b + i] = static_cast<T>(values[b + i] + from.data()[a + i]);
    }
  });
}
template <class From, class Values, std::size_t N>
void copy_in(const From& from, const Region<N>& from_region, Values& values, const Region<N>& region, Writing writing) {
  auto all = values.copy();
  copy_in(from, from_region, all, region, writing);
  values = Values(all);
}

}  // namespace detail
}  // namespace cohort
