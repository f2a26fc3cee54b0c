#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <cohort/detail/mutex.hpp>
#include <cohort/detail/parts.hpp>
#include <cohort/expression.hpp>
#include <cohort/nd_array.hpp>

// What DArray needs before it is defined. The definitions are in distributed_algorithms.hpp.

namespace COHORT_EXPORT cohort {

enum class Repair : std::uint8_t;
template <std::size_t N>
struct DArrayOptions;
template <class T, std::size_t N, template <class, std::size_t> class Part = NdArray>
class DArray;

namespace detail {

template <template <class, std::size_t> class Part>
struct DistributedKind;
enum class Writing : std::uint8_t;

template <class T, std::size_t N, template <class, std::size_t> class Part>
struct ArrayTraits<DArray<T, N, Part>> {
  using Kind = DistributedKind<Part>;
  using value_type = T;
  static constexpr std::size_t rank = N;
  using OperandType = DArray<T, N, Part>;
};

template <class E, template <class, std::size_t> class Part, std::size_t N>
concept DistributedExpression = is_expression<E> && std::is_same_v<kind_of<E>, DistributedKind<Part>> && rank_of<E>
== N;

/// What the handles on an array in one process share that were copied from each other. Any thread.
template <class T, std::size_t N, template <class, std::size_t> class Part>
struct ArrayState {
  RemoteStore<ArrayKeeper> keeper;  ///< empty in calls whose caller has a handle
  Repair repair_mode{};
  std::atomic<std::uint64_t> scalar_accesses{0};
  std::atomic<std::uint64_t> moved_bytes{0};

  std::shared_ptr<const ArrayHead<N>> head() const {
    const MutexLock lock(mutex);
    return head_;
  }
  void set_head(ArrayHead<N> head) {
    auto made = std::make_shared<const ArrayHead<N>>(std::move(head));
    const MutexLock lock(mutex);
    head_ = std::move(made);
  }

  mutable Mutex mutex;
  std::vector<std::shared_ptr<PartOf<Part<T, N>, N>>> local COHORT_GUARDED_BY(mutex);  // that local_part() returned

 private:
  std::shared_ptr<const ArrayHead<N>> head_ COHORT_GUARDED_BY(mutex);
};

/// Asks the keeper who has the parts if one of the processes is gone, and repairs the array if it says so.
template <class T, std::size_t N, template <class, std::size_t> class Part>
std::shared_ptr<const ArrayHead<N>> usable_head(const std::shared_ptr<ArrayState<T, N, Part>>& state);
template <class T, std::size_t N, template <class, std::size_t> class Part>
void repair(const std::shared_ptr<ArrayState<T, N, Part>>& state);
template <std::size_t N>
DArrayOptions<N> options_of(const ArrayHead<N>& head, Repair repair);
template <std::size_t N>
std::vector<std::size_t> places_here(const ArrayHead<N>& head);
template <class T, std::size_t N, template <class, std::size_t> class Part>
PartOf<Part<T, N>, N>& local_part_of(const std::shared_ptr<ArrayState<T, N, Part>>& state, std::size_t number);

template <class T, std::size_t N, template <class, std::size_t> class Part, class Body, class... A>
DArray<T, N, Part> make_darray(const Extents<N>& extents, const DArrayOptions<N>& options, Body body,
                               const A&... arguments);
template <class T, std::size_t N, template <class, std::size_t> class Part>
DArray<T, N, Part> distribute(const NdArray<T, N>& array, const DArrayOptions<N>& options);
template <class T, std::size_t N, template <class, std::size_t> class Part>
NdArray<T, N> get_region(const ArrayHead<N>& head, const Region<N>& wanted, std::uint64_t* moved = nullptr);
template <class T, std::size_t N, template <class, std::size_t> class Part>
void put_region(const ArrayHead<N>& head, const Region<N>& region, const NdArray<T, N>& values, Writing writing);
template <class T, std::size_t N, template <class, std::size_t> class Part>
DArray<T, N, Part> redistribute(const DArray<T, N, Part>& array, const DArrayOptions<N>& options);
template <std::size_t M, class T, std::size_t N, template <class, std::size_t> class Part>
DArray<T, M, Part> reshape_distributed(const DArray<T, N, Part>& array, const Extents<M>& extents);
template <class T, class E>
auto evaluate_distributed(const E& expression);
template <class T, std::size_t N, template <class, std::size_t> class Part, class E>
void assign_distributed(const DArray<T, N, Part>& array, const E& expression);

/// @throws Error that names both if the box is not within the extents.
template <std::size_t N>
void check_box(const Box<N>& box, const Extents<N>& extents) {
  for (std::size_t i = 0; i < N; i++)
    if (box.begin[i] > box.end[i] || box.end[i] > extents[i])
      throw Error("the box " + to_string(box) + " is not within an array of " + extents_text(extents) + " elements");
}
/// That of one element.
template <std::size_t N>
constexpr Box<N> box_of(const Index<N>& index) {
  Box<N> box{index, index};
  for (std::size_t& end : box.end) end++;
  return box;
}

struct AreEqual {
  template <class T>
  bool operator()(const T& a, const T& b) const {
    return a == b;
  }
};

// The elements of a part, of which a process makes an array: `body(head, place, moved, arguments...)`.

template <class T>
struct FilledPart {
  T value{};
  template <std::size_t N>
  NdArray<T, N> operator()(const ArrayHead<N>& head, std::size_t place, std::uint64_t&) const {
    return NdArray<T, N>(head.region(place).extents(), value);
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(value);
  }
};

template <class F>
struct InitialPart {
  [[no_unique_address]] Portable<F> init;
  template <std::size_t N>
  auto operator()(const ArrayHead<N>& head, std::size_t place, std::uint64_t&) {
    using Values = std::decay_t<decltype(init.function(Box<N>()))>;
    const Region<N> region = head.region(place);
    if (region.is_box()) return Values(init.function(region.hull()));
    Values values(region.extents());
    Index<N> run{};  // of each dimension
    for (bool more = !region.empty(); more;) {
      Box<N> box;
      for (std::size_t i = 0; i < N; i++)
        box.begin[i] = region.dimensions[i][run[i]].begin, box.end[i] = region.dimensions[i][run[i]].end;
      const Values piece = init.function(box);
      check_same_extents("the init function of a DArray", piece.extents(), box.extents());
      for_each_common(Region<N>(box), region, [&](std::size_t from, std::size_t to, std::size_t count) {
        std::copy_n(piece.data() + from, count, values.data() + to);
      });
      more = false;
      for (std::size_t i = N; i-- > 0 && !more; run[i] = more ? run[i] : 0)
        if (++run[i] < region.dimensions[i].size()) more = true;
    }
    return values;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(init);
  }
};

/// A random number of each pair: SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014)
/// as a function of seed and index.
std::uint64_t random_bits(std::uint64_t seed, std::uint64_t index);
/// In [0, 1).
double random_uniform(std::uint64_t seed, std::uint64_t index);
/// By the method of Box and Muller (1958).
double random_normal(std::uint64_t seed, std::uint64_t index);

template <class T, bool normal>
struct RandomPart {
  std::uint64_t seed = 0;
  template <std::size_t N>
  NdArray<T, N> operator()(const ArrayHead<N>& head, std::size_t place, std::uint64_t&) const {
    const Region<N> region = head.region(place);
    NdArray<T, N> values(Uninitialized(), region.extents());
    const Region<N> all(Box<N>::all(head.extents()));
    for_each_common(region, all, [&](std::size_t to, std::size_t index, std::size_t count) {
      for (std::size_t i = 0; i < count; i++) {
        if constexpr (normal)
          values[to + i] = static_cast<T>(random_normal(seed, index + i));
        else if constexpr (std::is_floating_point_v<T>)
          values[to + i] = static_cast<T>(random_uniform(seed, index + i));
        else
          values[to + i] = static_cast<T>(random_bits(seed, index + i));
      }
    });
    return values;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(seed);
  }
};

}  // namespace detail
}  // namespace cohort
