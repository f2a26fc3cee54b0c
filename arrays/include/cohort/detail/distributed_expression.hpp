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
template <class E>
ArrayHead<rank_of<E>> head_for(const E& expression, Repair* repair_mode = nullptr) {
  constexpr std::size_t N = rank_of<E>;
  const auto extents = expression.extents();
  std::optional<DArrayOptions<N>> options;
  bool exact = false;
  visit_arrays(expression, [&](const auto& array) {
    if (exact) return;
    const auto head = usable_head(array.checked());
    check_holders(*head);
    exact = head->extents() == extents;
    if (options && !exact) return;
    options = options_of(*head, array.checked()->repair_mode);
    if (exact) return;
    options->grid = options->block = {};
    options->cuts = {};
    std::vector<Pid> distinct;
    for (const Pid pid : options->pids)
      if (std::ranges::find(distinct, pid) == distinct.end()) distinct.push_back(pid);
    options->pids = std::move(distinct);
  });
  if (repair_mode != nullptr) *repair_mode = options->repair;
  return make_head(extents, *options, false);
}

/// Makes an expression over the elements of a region of one over distributed arrays.
template <std::size_t N>
struct Binder {
  const Extents<N>& extents;  // of the whole expression
  const Region<N>& region;
  std::size_t place;
  std::uint64_t& moved;
  std::vector<std::shared_ptr<StoredPart>> kept{};  // that it refers to

  template <class T>
  const Scalar<T>& operator()(const Scalar<T>& scalar) const {
    return scalar;
  }
  template <class T, template <class, std::size_t> class Part>
  auto operator()(const DArray<T, N, Part>& array) {
    using Operand = operand_t<Part<T, N>>;
    const auto head = array.checked()->head();
    Region<N> wanted = region;
    for (std::size_t i = 0; i < N; i++)
      if (head->dimensions[i].extent == 1 && extents[i] != 1) wanted.dimensions[i] = {{0, 1}};
    if (place < head->places() && holder_of(*head, place) == myid() && head->region(place) == wanted) {
      auto part = part_here<Part<T, N>, N>(head->id, place);
      Operand operand(part->values);
      kept.push_back(std::move(part));
      return operand;
    }
    return Operand(Part<T, N>(get_region<T, N, Part>(*head, wanted, &moved)));
  }
  template <class Op, class... Operand>
  auto operator()(const Expression<Op, Operand...>& expression) {
    return std::apply(
        [&](const auto&... operand) {
          // In this order, also for the copies that move.
          std::tuple<std::decay_t<decltype((*this)(operand))>...> bound{(*this)(operand)...};
          return std::apply(
              [&](auto&... each) {
                return Expression<Op, std::decay_t<decltype(each)>...>(expression.op(), std::move(each)...);
              },
              bound);
        },
        expression.operands());
  }
};

/// The elements of a region of an expression.
template <class T, template <class, std::size_t> class Part, class E, std::size_t N>
Part<T, N> values_of(const E& expression, const Region<N>& region, std::size_t place, std::uint64_t& moved) {
  const auto extents = region.extents();
  if (region.empty()) return Part<T, N>(extents);
  const auto whole = expression.extents();
  Binder<N> binder{whole, region, place, moved};
  auto bound = binder(expression);
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
    return values_of<T, Part>(expression, head.region(place), place, moved);
  }
};

template <class T, class E, template <class, std::size_t> class Part>
auto evaluate_as(const E& expression, std::type_identity<DistributedKind<Part>>) {
  Repair repair_mode{};
  auto head = head_for(expression, &repair_mode);
  return make_with_head<T, rank_of<E>, Part>(std::move(head), repair_mode, EvaluatedPart<T, Part>(),
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
  char operator()(const ArrayHead<N>& head, std::size_t place, const UniqueId& id, const E& expression) const {
    std::uint64_t moved = 0;
    const Region<N> region = head.region(place);
    if constexpr (in_host_memory<Part> && std::is_arithmetic_v<T> && is_plain_arithmetic<E>) {
      if (region.empty()) return 0;
      const auto whole = expression.extents();
      Binder<N> binder{whole, region, place, moved};
      const auto bound = binder(expression);
      PartFunctions<T, N, Part>::change(head.id, place, id, region, [&](PartOf<Part<T, N>, N>& part) {
        const std::unique_lock lock(part.mutex);
        evaluate(bound, part.values.data(), part.values.extents());
      });
    } else {
      auto values = values_of<T, Part>(expression, region, place, moved);
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
  Portable<F> f;
  template <std::size_t N>
  char operator()(const ArrayHead<N>& head, std::size_t place, const UniqueId& id) {
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
