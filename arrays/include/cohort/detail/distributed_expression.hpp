#pragma once

#include <cohort/detail/array_state.hpp>

// Included by darray.hpp. Expressions over distributed arrays, and arrays that are made of others.

namespace COHORT_EXPORT cohort {
namespace detail {

template <template <class, std::size_t> class Part>
inline constexpr bool in_host_memory = std::is_same_v<Part<int, 1>, NdArray<int, 1>>;

// An expression, or an array alone, as it is sent: the caller keeps a handle until the call has ended.

template <class T, std::size_t N, template <class, std::size_t> class Part>
DArray<T, N, Part> uncounted(const DArray<T, N, Part>& array) {
  auto state = std::make_shared<ArrayState<T, N, Part>>();
  const auto head = usable_head(array.checked());
  check_holders(*head);
  state->set_head(*head);
  return DArray<T, N, Part>(std::move(state));
}
template <class Op, class... Operand>
Expression<Op, Operand...> uncounted(Expression<Op, Operand...> expression) {
  expression.for_each_array([](auto& array) { array = uncounted(array); });
  return expression;
}
template <class T, std::size_t N, template <class, std::size_t> class Part, class Visit>
void visit_arrays(const DArray<T, N, Part>& array, Visit&& visit) {
  visit(array);
}
template <class Op, class... Operand, class Visit>
void visit_arrays(const Expression<Op, Operand...>& expression, Visit&& visit) {
  expression.for_each_array(visit);
}

/// Where the result of an expression is: where its first array with all of the extents is.
template <std::size_t N>
class ResultLayout {
 public:
  ResultLayout();
  ~ResultLayout();
  ResultLayout(const ResultLayout&) = delete;
  ResultLayout& operator=(const ResultLayout&) = delete;
  /// An array of the expression. @throws Error if it does not fit those before it; as check_holders().
  void add(std::shared_ptr<const ArrayHead<N>> head, Repair repair_mode);
  /// Of a new array.
  ArrayHead<N> head() const;
  const Extents<N>& extents() const { return extents_; }
  Repair repair() const { return repair_[chosen()]; }

 private:
  std::size_t chosen() const;

  Extents<N> extents_;
  std::vector<std::shared_ptr<const ArrayHead<N>>> heads_;
  std::vector<Repair> repair_;
};
template <std::size_t N>
ResultLayout<N>::ResultLayout() {
  extents_.fill(1);
}
template <std::size_t N>
ResultLayout<N>::~ResultLayout() = default;
template <std::size_t N>
void ResultLayout<N>::add(std::shared_ptr<const ArrayHead<N>> head, Repair repair_mode) {
  check_holders(*head);
  join_extents(extents_, head->extents());
  heads_.push_back(std::move(head));
  repair_.push_back(repair_mode);
}
template <std::size_t N>
std::size_t ResultLayout<N>::chosen() const {
  for (std::size_t i = 0; i < heads_.size(); i++)
    if (heads_[i]->extents() == extents_) return i;
  return 0;
}
template <std::size_t N>
ArrayHead<N> ResultLayout<N>::head() const {
  const ArrayHead<N>& from = *heads_[chosen()];
  auto options = options_of(from, repair());
  if (from.extents() != extents_) {
    options.grid = options.block = {};
    options.cuts = {};
    std::vector<Pid> distinct;
    for (const Pid pid : options.pids)
      if (std::ranges::find(distinct, pid) == distinct.end()) distinct.push_back(pid);
    options.pids = std::move(distinct);
  }
  return make_head(extents_, options, false);
}

template <class E>
void add_arrays(ResultLayout<rank_of<E>>& layout, const E& expression) {
  visit_arrays(expression,
               [&](const auto& array) { layout.add(usable_head(array.checked()), array.checked()->repair_mode); });
}
template <class E>
ArrayHead<rank_of<E>> head_for(const E& expression, Repair* repair_mode = nullptr) {
  ResultLayout<rank_of<E>> layout;
  add_arrays(layout, expression);
  if (repair_mode != nullptr) *repair_mode = layout.repair();
  return layout.head();
}

/// Stands for an array in an expression over the elements of a region of a larger one. @param extents of the whole
/// expression; @param place which has the region: what this process has at this place of the array is not copied
template <class T, std::size_t N, template <class, std::size_t> class Part>
operand_t<Part<T, N>> bind_array(const DArray<T, N, Part>& array, const Extents<N>& extents, const Region<N>& region,
                                 std::size_t place, std::uint64_t& moved) {
  using Operand = operand_t<Part<T, N>>;
  const auto head = array.checked()->head();
  Region<N> wanted = region;
  for (std::size_t i = 0; i < N; i++)
    if (head->dimensions[i].extent == 1 && extents[i] != 1) wanted.dimensions[i] = {{0, 1}};
  if (place < head->places() && holder_of(*head, place) == myid() && head->region(place) == wanted) {
    const auto part = part_here<Part<T, N>, N>(head->id, place);
    if constexpr (in_host_memory<Part>)
      return Operand(part->values, part);
    else
      return Operand(part->values);
  }
  return Operand(Part<T, N>(get_region<T, N, Part>(*head, wanted, &moved)));
}

/// Makes an expression over the elements of a region of one over distributed arrays.
template <std::size_t N>
struct Binder {
  const Extents<N>& extents;  // of the whole expression
  const Region<N>& region;
  std::size_t place;
  std::uint64_t& moved;

  template <class T>
  const Scalar<T>& operator()(const Scalar<T>& scalar) const {
    return scalar;
  }
  template <class T, template <class, std::size_t> class Part>
  auto operator()(const DArray<T, N, Part>& array) const {
    return bind_array(array, extents, region, place, moved);
  }
  template <class Op, class... Operand>
  auto operator()(const Expression<Op, Operand...>& expression) const {
    return bind(expression, std::index_sequence_for<Operand...>());
  }

 private:
  template <class Op, class... Operand, std::size_t... I>
  auto bind(const Expression<Op, Operand...>& expression, std::index_sequence<I...>) const {
    using Bound = Expression<Op, std::decay_t<decltype((*this)(std::declval<const Operand&>()))>...>;
    return Bound{expression.op(), (*this)(std::get<I>(expression.operands()))...};  // braces: in this order
  }
};

/// The elements of a region of an expression. @param whole the extents of the expression
template <class T, template <class, std::size_t> class Part, class E, std::size_t N>
Part<T, N> values_of(const E& expression, const Extents<N>& whole, const Region<N>& region, std::size_t place,
                     std::uint64_t& moved) {
  const auto extents = region.extents();
  if (region.empty()) return Part<T, N>(extents);
  auto bound = Binder<N>{whole, region, place, moved}(expression);
  if constexpr (in_host_memory<Part>) {
    NdArray<T, N> values(Uninitialized(), extents);
    if constexpr (is_expression<decltype(bound)>)
      evaluate(std::move(bound), values.data(), extents);
    else
      std::copy_n(bound.data(), values.size(), values.data());
    return values;
  } else if constexpr (is_expression<decltype(bound)>) {
    return Part<T, N>(bound);
  } else {
    return Part<T, N>(make_expression(Convert<T>(), std::move(bound)));
  }
}

template <class T, template <class, std::size_t> class Part>
struct EvaluatedPart {
  template <std::size_t N, class E>
  Part<T, N> operator()(const ArrayHead<N>& head, std::size_t place, std::uint64_t& moved, const E& expression) const {
    return values_of<T, Part>(expression, head.extents(), head.region(place), place, moved);
  }
};

template <class T, class E, template <class, std::size_t> class Part>
auto evaluate_as(const E& expression, std::type_identity<DistributedKind<Part>>) {
  ResultLayout<rank_of<E>> layout;
  add_arrays(layout, expression);
  return make_with_head<T, rank_of<E>, Part>(layout.head(), layout.repair(), EvaluatedPart<T, Part>(),
                                             uncounted(expression));
}
template <class T, class E>
auto evaluate_distributed(const E& expression) {
  return evaluate_as<T>(expression, std::type_identity<kind_of<E>>());
}

/// Changes the parts in place.
template <class T, template <class, std::size_t> class Part>
struct AssignPart {
  template <std::size_t N, class E>
  std::uint64_t operator()(const ArrayHead<N>& head, std::size_t place, const UniqueId& id, const E& expression) const {
    std::uint64_t moved = 0;
    const Region<N> region = head.region(place);
    if constexpr (in_host_memory<Part> && std::is_arithmetic_v<T> && is_plain_arithmetic<E>) {
      if (region.empty()) return 0;
      const auto bound = Binder<N>{head.extents(), region, place, moved}(expression);
      PartFunctions<T, N, Part>::change(head.id, place, id, region, [&](PartOf<Part<T, N>, N>& part) {
        const std::unique_lock lock(part.mutex);
        evaluate(bound, part.values.data(), part.values.extents());
      });
    } else {
      auto values = values_of<T, Part>(expression, head.extents(), region, place, moved);
      PartFunctions<T, N, Part>::change(head.id, place, id, region, [&](PartOf<Part<T, N>, N>& part) {
        const std::unique_lock lock(part.mutex);
        if constexpr (in_host_memory<Part>)  // another operation may be reading: the memory stays
          std::move(values.begin(), values.end(), part.values.begin());
        else
          part.values = std::move(values);
      });
    }
    return 0;
  }
};
template <class T, std::size_t N, template <class, std::size_t> class Part, class E>
void assign_distributed(const DArray<T, N, Part>& array, const E& expression) {
  check_same_extents("assign", array.extents(), expression.extents());
  on_each_place(*usable_head(array.checked()), AssignPart<T, Part>(), UniqueId::make(), uncounted(expression));
}

template <class T, template <class, std::size_t> class Part, class F>
struct ForEachPart {
  [[no_unique_address]] Portable<F> f;
  template <std::size_t N>
  std::uint64_t operator()(const ArrayHead<N>& head, std::size_t place, const UniqueId& id) {
    PartFunctions<T, N, Part>::change(head.id, place, id, head.region(place), [&](PartOf<Part<T, N>, N>& part) {
      kind_of<Part<T, N>>::for_each(f.function, part.values);
    });
    return 0;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(f);
  }
};

template <class T, std::size_t N, template <class, std::size_t> class Part>
DArray<T, N, Part> redistribute(const DArray<T, N, Part>& array, const DArrayOptions<N>& options) {
  const auto source = uncounted(array);  // first: it says which part was lost
  return make_with_head<T, N, Part>(make_head(array.extents(), options), options.repair, EvaluatedPart<T, Part>(),
                                    source);
}

template <class T, template <class, std::size_t> class Part>
struct ReshapedPart {
  /// The elements of a part are consecutive in C order: it is a range of the first dimension that has more than one.
  template <std::size_t M, std::size_t N>
  NdArray<T, M> operator()(const ArrayHead<M>& head, std::size_t place, std::uint64_t& moved,
                           const DArray<T, N, Part>& source) const {
    const auto box = head.region(place).hull();
    const std::size_t from = place_of(box.begin, head.extents()), count = box.size();
    if (count == 0) return NdArray<T, M>(box.extents());
    // The rows of the source, along its first dimension that has more than one element, in which they are.
    const auto old = source.extents();
    std::size_t first = 0;
    while (first + 1 < N && old[first] == 1) first++;
    std::size_t row = 1;
    for (std::size_t i = first + 1; i < N; i++) row *= old[i];
    Box<N> rows = Box<N>::all(old);
    rows.begin[first] = from / row;
    rows.end[first] = (from + count - 1) / row + 1;
    const auto values = get_region<T, N, Part>(*source.checked()->head(), Region<N>(rows), &moved);
    NdArray<T, M> result(Uninitialized(), box.extents());
    std::copy_n(values.data() + (from - rows.begin[first] * row), count, result.data());
    return result;
  }
};
template <std::size_t M, class T, std::size_t N, template <class, std::size_t> class Part>
DArray<T, M, Part> reshape_distributed(const DArray<T, N, Part>& array, const Extents<M>& extents) {
  check_reshape(array.extents(), extents);
  const auto source = uncounted(array);  // first: it says which part was lost
  const auto from = like(array);
  DArrayOptions<M> options;
  options.copies = from.copies;
  options.repair = from.repair;
  std::size_t first = 0;
  while (first + 1 < M && extents[first] == 1) first++;
  for (const Pid pid : from.pids)
    if (std::ranges::find(options.pids, pid) == options.pids.end()) options.pids.push_back(pid);
  options.grid[first] = std::max<std::size_t>(1, std::min(options.pids.size(), extents[first]));
  return make_with_head<T, M, Part>(make_head(extents, options), options.repair, ReshapedPart<T, Part>(), source);
}

}  // namespace detail
}  // namespace cohort
