#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <cohort/detail/members.hpp>
#include <cohort/detail/parts.hpp>
#include <cohort/detail/payload.hpp>
#include <cohort/everywhere.hpp>
#include <cohort/nd_array.hpp>

// Calls to the processes that have the parts of an array, and what happens if one of them is gone.

namespace COHORT_EXPORT cohort {
namespace detail {

/// Which process is asked for each place: its owner, or who has the copy if the owner is gone.
Pid holder_of(const Placement& placement, std::size_t place);
/// The other process that has the place; no_pid if there is none, or it is gone.
Pid other_holder(const Placement& placement, std::size_t place, Pid holder);
template <std::size_t N>
Pid holder_of(const ArrayHead<N>& head, std::size_t place) {
  return holder_of(head.placement, place);
}
template <std::size_t N>
Pid other_holder(const ArrayHead<N>& head, std::size_t place, Pid holder) {
  return other_holder(head.placement, place, holder);
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

/// What a process does for the places that it has: decodes the arguments, and encodes what came of them.
using PlacesFunction = void (*)(const std::vector<std::size_t>& places, InArchive& arguments, Payload& results);
/// What one process has answered. There is one for each process, or more if some have ended meanwhile.
struct PlacesAnswer {
  std::vector<std::size_t> places;
  Payload results;
};
/// An array for who does not know its type.
struct PlacedArray {
  const Placement& placement;
  const void* head;
  /// Throws the ProcessExitedException that says which part was lost.
  void (*fail_lost)(const void* head, std::size_t place, const std::exception_ptr& death);
};
/// Calls the function in each process that has some of the places, in all at the same time, with one message to each.
/// If one ends, those that have the copies are asked. @param id of a thunk that does run_places() with the function
/// @throws what the function threw for the first process that failed; ProcessExitedException for a part that is lost.
std::vector<PlacesAnswer> call_places(const PlacedArray& array, FunctionId id, PlacesFunction function,
                                      const Payload& arguments);
/// What the thunk does in another process, for the places that this process has.
void run_places(InArchive& archive, Payload& results, PlacesFunction function);

/// The results of functions that count something.
void encode_count(Payload& results, std::uint64_t count);
std::uint64_t sum_of_counts(const std::vector<PlacesAnswer>& answers);

template <std::size_t N>
void fail_lost_place(const void* head, std::size_t place, const std::exception_ptr& death) {
  const auto& array = *static_cast<const ArrayHead<N>*>(head);
  fail_lost(death, to_string(array.region(place).hull()), array.extents());
}

// Results of other types, which are not inline, so that the library has them for the usual ones.
template <class R>
void encode_results(Payload& results, std::vector<R>& values) {
  encode_result<std::vector<R>>(results, [&]() -> std::vector<R>&& { return std::move(values); });
}
/// @return in the order of the places
template <class R>
std::vector<R> decode_results(const std::vector<PlacesAnswer>& answers, std::size_t places) {
  std::vector<R> results(places);
  for (const PlacesAnswer& answer : answers) {
    auto values = decode<std::vector<R>>(answer.results);
    if (values.size() != answer.places.size()) throw BadMessage("results of other parts of a DArray");
    for (std::size_t i = 0; i < values.size(); i++) results[answer.places[i]] = std::move(values[i]);
  }
  return results;
}

/// Calls `body(head, place, arguments...)` for each place.
template <class Body, std::size_t N, class... A>
struct __attribute__((visibility("hidden"))) OnPlaces : Registered<OnPlaces<Body, N, A...>> {
  using R = std::invoke_result_t<Body&, const ArrayHead<N>&, std::size_t, const A&...>;

  ArrayHead<N> head;
  Body body{};
  std::tuple<A...> arguments;

  static void invoke(InArchive& archive, Payload& results) { run_places(archive, results, &run); }
  static void run(const std::vector<std::size_t>& places, InArchive& archive, Payload& results) {
    OnPlaces it;
    it.load(archive, std::index_sequence_for<A...>());
    if constexpr (std::is_same_v<R, std::uint64_t>) {
      std::uint64_t count = 0;
      for (const std::size_t place : places) count += it.call(place, std::index_sequence_for<A...>());
      encode_count(results, count);
    } else {
      std::vector<R> values;
      for (const std::size_t place : places) values.push_back(it.call(place, std::index_sequence_for<A...>()));
      encode_results(results, values);
    }
  }

 private:
  template <std::size_t... I>
  void load(InArchive& archive, std::index_sequence<I...>) {
    archive(head);
    Portable<Body>::read(archive, body);
    (archive(std::get<I>(arguments)), ...);
    archive.finish();
  }
  template <std::size_t... I>
  R call(std::size_t place, std::index_sequence<I...>) {
    return body(head, place, std::as_const(std::get<I>(arguments))...);
  }
};

/// Calls `body(head, place, arguments...)` for each place, in the process that has it, see call_places().
/// @return the results, in the order of the places; of std::uint64_t, the sum.
template <class Body, std::size_t N, class... A>
auto on_each_place(const ArrayHead<N>& head, const Body& body, const A&... arguments) {
  using Call = OnPlaces<Body, N, A...>;
  using R = typename Call::R;
  Payload payload;
  OutArchive archive(payload);
  archive(head);
  Portable<Body>::write(archive, body);
  (archive(arguments), ...);
  const auto answers = call_places({head.placement, &head, &fail_lost_place<N>}, Call::id(), &Call::run, payload);
  if constexpr (std::is_same_v<R, std::uint64_t>) {
    return sum_of_counts(answers);
  } else {
    return decode_results<R>(answers, head.places());
  }
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

/// Elements that are sent to another process. They stay in the memory into which they were received, until they are
/// copied to where they belong, or an array takes that memory over.
template <class T, std::size_t N>
class Received {
 public:
  Received() : extents_{} {}
  Received(NdArray<T, N> array) : extents_(array.extents()) {
    auto kept = std::make_shared<NdArray<T, N>>(std::move(array));
    data_ = kept->data();
    owner_ = std::move(kept);
  }
  /// @param owner keeps `data`, and whoever has it alone may write there; null: the caller keeps them until they were
  /// sent
  Received(std::shared_ptr<const void> owner, const T* data, const Extents<N>& extents)
      : extents_(extents), owner_(std::move(owner)), data_(data) {}
  /// Elements of a part, to be sent only.
  Received(const std::shared_ptr<const Loan>& loan, const T* data, const Extents<N>& extents, bool lent)
      : extents_(extents), owner_(loan), data_(data), lent_(lent) {}
  const Extents<N>& extents() const { return extents_; }
  const T* data() const { return data_; }
  /// All elements; without a copy if nobody else has their memory.
  NdArray<T, N> take() && {
    // Those who had it before only read it.
    if (!lent_ && owner_.use_count() == 1) return {std::move(owner_), const_cast<T*>(data_), extents_};
    NdArray<T, N> result(Uninitialized(), extents_);
    std::copy_n(data_, result.size(), result.data());
    return result;
  }

  template <class Archive>
  void save(Archive& archive) const {
    archive(extents_);
    archive.write_block(data_, element_count(extents_), sizeof(T), owner_);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(extents_);
    const InArchive::Block block = archive.read_block(sizeof(T));
    if (block.count != element_count(extents_, sizeof(T))) throw BadMessage("elements of an array with other extents");
    if (block.segment != nullptr && block.segment->owner != nullptr &&
        reinterpret_cast<std::uintptr_t>(block.data) % alignof(T) == 0) {
      owner_ = block.segment->owner;
      data_ = reinterpret_cast<const T*>(block.data);
    } else {
      NdArray<T, N> copy(Uninitialized(), extents_);
      if (block.count != 0) std::copy_n(block.data, block.count * sizeof(T), reinterpret_cast<std::byte*>(copy.data()));
      *this = Received(std::move(copy));
    }
  }

 private:
  Extents<N> extents_;
  std::shared_ptr<const void> owner_;
  const T* data_ = nullptr;
  bool lent_ = false;
};
/// As it is sent. What is not plain data is decoded into an array of its own anyway.
template <class T, std::size_t N>
using Sent = std::conditional_t<bitwise<T>(), Received<T, N>, NdArray<T, N>>;
template <class T, std::size_t N>
NdArray<T, N> to_array(Received<T, N> received) {
  return std::move(received).take();
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
      return {nullptr, first, wanted.extents()};
  return copy_out(values, region, wanted);
}
/// A copy of elements, for the result of a call. It is in memory of the core, which is used again for the next message.
template <class Values, std::size_t N>
auto copy_to_send(const Values& values, const Region<N>& region, const Region<N>& wanted)
    -> Sent<element_of<Values>, N> {
  using T = element_of<Values>;
  if constexpr (bitwise<T>() && std::is_same_v<Values, NdArray<T, N>>)
    if (const T* first = consecutive(values, region, wanted)) {
      const auto memory = segment_memory(element_count(wanted.extents()) * sizeof(T));
      T* to = reinterpret_cast<T*>(memory.get());
      std::copy_n(first, element_count(wanted.extents()), to);
      return {memory, to, wanted.extents()};
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
