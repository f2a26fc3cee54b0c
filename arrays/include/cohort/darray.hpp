#pragma once

#include <array>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <cohort/algorithms.hpp>
#include <cohort/detail/checked.hpp>
#include <cohort/detail/distributed_kind.hpp>
#include <cohort/detail/places.hpp>

namespace COHORT_EXPORT cohort {

/// What becomes of an array with copies when a process ends that has some of it.
enum class Repair : std::uint8_t {
  manual,    ///< operations use the copies; repair() makes new ones
  automatic  ///< the next operation repairs it first
};
inline constexpr Repair automatic = Repair::automatic;

/// Where the parts of a DArray are. For all dimensions at once: a grid of processes, each of which has one block; or
/// blocks that are dealt out in turn (block-cyclic). Without options, blocks as in DistributedArrays.jl: the largest
/// prime factor of the number of processes cuts the longest dimension, and so on; of equal ones the last.
template <std::size_t N>
struct DArrayOptions {
  /// Who has a part, in C order of the grid. Empty: all workers, at most as many as the longest extent; or this process
  /// if there are none.
  std::vector<Pid> pids = {};
  Extents<N> grid = {};   ///< into how many parts each dimension is cut. All 0: by default; one 0 among others: 1
  Extents<N> block = {};  ///< not 0: this dimension is cyclic, in blocks of so many indices
  /// Where each dimension is cut, `{{0, 3, 10}, {}}`: the first index is 0 and the last the extent. An empty list, or
  /// none: as the grid says.
  std::vector<std::vector<std::size_t>> cuts = {};
  int copies = 0;  ///< 1: another process has a copy of each part, and the array survives the end of one process
  Repair repair = Repair::manual;
};

// GCC 12 fails to compile `std::vector<DArrayOptions<2>>{{.grid = {1, 2}}}` unless the initializers were used before.
static_assert(sizeof(DArrayOptions<1>{}) + sizeof(DArrayOptions<2>{}) + sizeof(DArrayOptions<3>{}) > 0);

/// How drand() and drandn() make numbers: the same seed gives the same numbers, with any layout and any number of
/// workers.
template <std::size_t N>
struct RandomOptions {
  std::uint64_t seed = 0;
  DArrayOptions<N> layout = {};
};

/// A dense array whose parts are in several processes: each works on its own. Copies of the object are handles on the
/// same array; it is freed with the last handle, in whatever process that is. As an argument or result of a remote call
/// it travels as a name. Any thread and any process may use it; access to elements is synchronized only as far as it is
/// said. Functions that call other processes throw what the remote functions threw (RemoteException);
/// ProcessExitedException, which says what part was lost, when a process ended that had a part without a copy; Error
/// after close().
///
///     auto a = cohort::distribute(local);
///     cohort::DArray<double, 1> c = 2.0 * a / a;   // where the parts are
///     double total = cohort::sum(c);
template <class T, std::size_t N, template <class, std::size_t> class Part>
class DArray {
 public:
  static_assert(N >= 1, "cohort: a DArray has a dimension");
  using value_type = T;
  static constexpr std::size_t rank = N;

  DArray() = default;  ///< an empty handle; assign an array to it before use
  /// Each part is `init(box)`, an NdArray with the extents of its box, called where the part is. If the layout is
  /// cyclic, it is called for each box of the part.
  template <class F>
  requires(std::convertible_to<std::invoke_result_t<F&, const Box<N>&>, NdArray<T, N>>)
      DArray(const Extents<N>& extents, F init, const DArrayOptions<N>& options = {})
      : DArray(detail::make_darray<T, N, Part>(extents, options, detail::InitialPart<F>{{std::move(init)}})) {}
  /// The elements of an expression, with the layout of its first array.
  template <detail::DistributedExpression<Part, N> E>
  DArray(const E& expression) : DArray(detail::evaluate_distributed<T>(expression)) {}

  bool valid() const { return state_ != nullptr; }
  Extents<N> extents() const { return head()->extents(); }
  std::size_t size() const { return element_count(extents()); }
  bool empty() const { return size() == 0; }
  /// How many parts each dimension has.
  Extents<N> grid() const { return head()->grid(); }
  /// Who has the parts, in the order of boxes(), if the layout is not cyclic.
  std::vector<Pid> pids() const { return head()->placement.owners; }
  /// What each part has: one box for each of pids(); for a cyclic layout, the smallest boxes that contain the parts.
  std::vector<Box<N>> boxes() const {
    const auto h = head();
    std::vector<Box<N>> result;
    for (std::size_t place = 0; place < h->places(); place++) result.push_back(h->region(place).hull());
    return result;
  }
  /// The process that has an element. @throws Error for an index that is outside.
  Pid owner(const Index<N>& index) const {
    const auto h = head();
    if (!Box<N>::all(h->extents()).contains(index)) detail::fail_outside(index, h->extents());
    return h->placement.owners[h->place_of_index(index)];
  }
  /// The box of the part of this process; empty if it has none. If it has several parts (after a repair), that of the
  /// first.
  Box<N> local_box() const {
    const auto all = local_boxes();
    return all.empty() ? Box<N>() : all[0];
  }
  /// The boxes of all parts of this process.
  std::vector<Box<N>> local_boxes() const {
    const auto h = head();
    std::vector<Box<N>> result;
    for (const std::size_t place : detail::places_here(*h)) result.push_back(h->region(place).hull());
    return result;
  }
  /// The elements of local_boxes()[number], which may be read and written as any memory; other handles see it. If the
  /// layout is cyclic, they are those of all blocks that the part has, in the order of the indices. Valid as long as
  /// this handle. @throws Error if this process has no such part.
  Part<T, N>& local_part(std::size_t number = 0) const { return detail::local_part_of(checked(), number).values; }

  /// All elements in the memory of this process.
  NdArray<T, N> gather() const { return get(Box<N>::all(extents())); }
  /// A box of elements: one message to each process that has some of them. @throws Error if it is not within extents().
  NdArray<T, N> get(const Box<N>& box) const {
    const auto h = head();
    detail::check_box(box, h->extents());
    return detail::get_region<T, N, Part>(*h, detail::Region<N>(box));
  }
  /// Writes a box of elements: one message to each process that has some of them. A box at one process is written as a
  /// whole, as seen by other get, put and add. @throws Error if it is not within extents(), or `values` has other
  /// extents.
  void put(const Box<N>& box, const NdArray<T, N>& values) const { write(box, values, detail::Writing::put); }
  /// Adds to a box of elements. Additions of several processes to the same element are all done.
  void add(const Box<N>& box, const NdArray<T, N>& values) const {
    static_assert(
        requires(T x) { x = x + x; }, "cohort: the elements cannot be added");
    write(box, values, detail::Writing::add);
  }
  /// One element: one message, if it is in another process. After 1000 of them, the library prints once that get()
  /// needs fewer.
  T at(const Index<N>& index) const {
    const auto h = head();
    if (!Box<N>::all(h->extents()).contains(index)) detail::fail_outside(index, h->extents());
    if (detail::holder_of(*h, h->place_of_index(index)) != myid() && ++checked()->scalar_accesses == 1000)
      detail::warn_of_scalar_access(1000);
    return get(detail::box_of(index))[0];
  }
  /// How many elements were read by at() from other processes, with this handle and its copies.
  std::uint64_t scalar_accesses() const { return checked()->scalar_accesses; }
  /// How many bytes moved between processes when this array was made, because layouts differed.
  std::uint64_t moved_bytes() const { return checked()->moved_bytes; }

  /// Computes the expression into this array, in place; all handles see it.
  template <detail::DistributedExpression<Part, N> E>
  void assign(const E& expression) const {
    detail::assign_distributed(*this, expression);
  }
  void assign(const DArray& other) const { assign(detail::make_expression(detail::Convert<T>(), other)); }
  /// An array of its own with the same elements and layout.
  DArray copy() const { return redistribute(like(*this)); }
  /// An array with the same elements and another layout; also over workers that came later. Parts move directly from
  /// process to process.
  DArray redistribute(const DArrayOptions<N>& options) const {
    return detail::redistribute<T, N, Part>(*this, options);
  }
  /// The same elements with other extents, in an array of its own, which is cut along its first dimension. @throws
  /// Error if it has another number of them.
  template <std::size_t M>
  DArray<T, M, Part> reshape(const Extents<M>& extents) const {
    return detail::reshape_distributed<M>(*this, extents);
  }
  template <std::size_t M>
  DArray<T, M, Part> reshape(const std::size_t (&extents)[M]) const {
    return reshape(std::to_array(extents));
  }
  /// Makes the array whole again after processes have ended: new owners and copies for what they had, among those that
  /// are left. @throws ProcessExitedException if a part and its copy were lost.
  void repair() const { detail::repair(checked()); }
  /// Frees the parts everywhere, at once. This handle is empty then; functions of others that need elements throw
  /// Error.
  void close() {
    if (const auto state = std::exchange(state_, nullptr)) state->keeper.template call<&detail::ArrayKeeper::close>();
  }

  /// Whether all elements are equal.
  friend bool operator==(const DArray& a, const DArray& b) {
    return a.extents() == b.extents() && count(detail::make_expression(detail::AreEqual(), a, b)) == a.size();
  }

  void save(OutArchive& archive) const {
    archive(state_ != nullptr);
    if (state_ != nullptr) archive(state_->keeper, *state_->head(), state_->repair_mode);
  }
  void load(InArchive& archive) {
    bool there = false;
    archive(there);
    state_ = nullptr;
    if (!there) return;
    auto state = std::make_shared<detail::ArrayState<T, N, Part>>();
    detail::ArrayHead<N> head;
    archive(state->keeper, head, state->repair_mode);
    state->set_head(std::move(head));
    state_ = std::move(state);
  }

  explicit DArray(std::shared_ptr<detail::ArrayState<T, N, Part>> state) : state_(std::move(state)) {}
  const std::shared_ptr<detail::ArrayState<T, N, Part>>& checked() const { return detail::checked(state_, "DArray"); }

 private:
  std::shared_ptr<const detail::ArrayHead<N>> head() const { return detail::usable_head(checked()); }
  void write(const Box<N>& box, const NdArray<T, N>& values, detail::Writing writing) const {
    const auto h = head();
    detail::check_box(box, h->extents());
    detail::check_same_extents("put and add", box.extents(), values.extents());
    detail::put_region<T, N, Part>(*h, detail::Region<N>(box), values, writing);
  }

  std::shared_ptr<detail::ArrayState<T, N, Part>> state_;  // null: an empty handle
};

/// Options that give another array the layout of this one: `distribute(local, like(a))`.
template <class T, std::size_t N, template <class, std::size_t> class Part>
DArrayOptions<N> like(const DArray<T, N, Part>& array) {
  return detail::options_of(*detail::usable_head(array.checked()), array.checked()->repair_mode);
}

/// Cuts a local array into parts; each process is sent its own.
template <template <class, std::size_t> class Part = NdArray, class T, std::size_t N>
DArray<T, N, Part> distribute(const NdArray<T, N>& array, const std::type_identity_t<DArrayOptions<N>>& options = {}) {
  return detail::distribute<T, N, Part>(array, options);
}

// Arrays of one value, and of random numbers, like `dzeros<double>({rows, columns})`.

template <class T, std::size_t N>
DArray<T, N> dfill(const T& value, const Extents<N>& extents, const DArrayOptions<N>& options = {}) {
  return detail::make_darray<T, N, NdArray>(extents, options, detail::FilledPart<T>{value});
}
template <class T, std::size_t N>
DArray<T, N> dfill(const T& value, const std::size_t (&extents)[N], const DArrayOptions<N>& options = {}) {
  return dfill(value, std::to_array(extents), options);
}
template <class T = double, std::size_t N>
DArray<T, N> dzeros(const Extents<N>& extents, const DArrayOptions<N>& options = {}) {
  return dfill(T{}, extents, options);
}
template <class T = double, std::size_t N>
DArray<T, N> dones(const Extents<N>& extents, const DArrayOptions<N>& options = {}) {
  return dfill(static_cast<T>(1), extents, options);
}
template <class T = double, std::size_t N>
DArray<T, N> drand(const Extents<N>& extents, const RandomOptions<N>& options = {}) {
  return detail::make_darray<T, N, NdArray>(extents, options.layout, detail::RandomPart<T, false>{options.seed});
}
template <class T = double, std::size_t N>
DArray<T, N> drandn(const Extents<N>& extents, const RandomOptions<N>& options = {}) {
  static_assert(std::is_floating_point_v<T>, "cohort: drandn makes floating point numbers");
  return detail::make_darray<T, N, NdArray>(extents, options.layout, detail::RandomPart<T, true>{options.seed});
}
template <class T = double, std::size_t N>
DArray<T, N> dzeros(const std::size_t (&extents)[N], const DArrayOptions<N>& options = {}) {
  return dfill(T{}, extents, options);
}
template <class T = double, std::size_t N>
DArray<T, N> dones(const std::size_t (&extents)[N], const DArrayOptions<N>& options = {}) {
  return dfill(static_cast<T>(1), extents, options);
}
/// Uniformly distributed: in [0, 1) for floating point numbers, over all values for integers.
template <class T = double, std::size_t N>
DArray<T, N> drand(const std::size_t (&extents)[N], const RandomOptions<N>& options = {}) {
  return drand<T>(std::to_array(extents), options);
}
/// Normally distributed, with mean 0 and variance 1.
template <class T = double, std::size_t N>
DArray<T, N> drandn(const std::size_t (&extents)[N], const RandomOptions<N>& options = {}) {
  return drandn<T>(std::to_array(extents), options);
}

}  // namespace cohort

#include <cohort/detail/instantiations.hpp>
