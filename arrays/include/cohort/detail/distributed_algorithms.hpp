#pragma once

#include <cohort/detail/distributed_product.hpp>
#include <cohort/detail/distributed_reduction.hpp>

// Included by darray.hpp.

namespace COHORT_EXPORT cohort {
namespace detail {

/// What the algorithms do with distributed arrays.
template <template <class, std::size_t> class Part>
struct DistributedKind {
  template <class T, std::size_t N>
  using Array = DArray<T, N, Part>;

  template <class R, class Op, AnyArray A>
  static std::optional<R> reduce(Op op, const A& array);

  template <class T, std::size_t N>
  static Array<T, N> filled(const Extents<N>& extents, const T& value) {
    return make_darray<T, N, Part>(extents, DArrayOptions<N>(), FilledPart<T>{value});
  }

  template <class F, class T, std::size_t N>
  static void for_each(F f, const DArray<T, N, Part>& array) {
    on_each_place(*usable_head(array.checked()), ForEachPart<T, Part, F>{{std::move(f)}}, UniqueId::make());
  }

  template <class R, class Op, AnyArray A>
  static auto reduce_dim(Op op, const A& array, std::size_t dimension) -> Array<R, rank_of<A>> {
    constexpr std::size_t N = rank_of<A>;
    Repair repair_mode{};
    const auto source = with_blocks(head_for(array, &repair_mode));
    ArrayHead<N> head = source;
    head.id = UniqueId::make();
    head.dimensions[dimension] = DimensionLayout::blocks(1, 1);
    std::vector<Pid> owners;
    for (std::size_t place = 0; place < head.places(); place++)
      owners.push_back(source.placement.owners[place_of(head.coordinates(place), source.grid())]);
    head.placement.owners = std::move(owners);
    if (!head.placement.copies.empty()) head.placement.copies = choose_copies(head.placement.owners);
    return make_with_head<R, N, Part>(std::move(head), repair_mode, ReducedDimensionPart<R, Op, Part>{{std::move(op)}},
                                      source, dimension, uncounted(array));
  }

  template <class A, class B>
  static auto product(const A& a, const B& b) {
    if constexpr (is_expression<A>) {
      return product(result_of<A>(a), b);
    } else if constexpr (is_expression<B>) {
      return product(a, result_of<B>(b));
    } else {
      using T = decltype(element_of<A>() * element_of<B>());
      check_product(a.extents(), b.extents());
      const auto matrix = usable_head(a.checked());
      const auto options = like(a);
      if constexpr (rank_of<B> == 1) {
        ArrayHead<1> head;
        head.id = UniqueId::make();
        head.dimensions[0] = matrix->dimensions[0];
        for (std::size_t place = 0; place < matrix->places(); place += matrix->dimensions[1].places)
          head.placement.owners.push_back(holder_of(*matrix, place));
        if (options.copies != 0) head.placement.copies = choose_copies(head.placement.owners);
        return make_with_head<T, 1, Part>(std::move(head), options.repair, ProductWithVectorPart<T, Part>(), *matrix,
                                          uncounted(a), uncounted(b));
      } else {
        const auto rows = uncounted(a);  // first: they say which part was lost
        const auto columns = uncounted(b);
        DArrayOptions<2> layout{.copies = options.copies, .repair = options.repair};
        for (const Pid pid : options.pids)
          if (std::ranges::find(layout.pids, pid) == layout.pids.end()) layout.pids.push_back(pid);
        return make_with_head<T, 2, Part>(make_head({a.extents()[0], b.extents()[1]}, layout), options.repair,
                                          ProductPart<T, Part>(), rows, columns);
      }
    }
  }

  template <class A>
  static auto transpose(const A& a) {
    if constexpr (is_expression<A>) {
      return transpose(result_of<A>(a));
    } else {
      using T = element_of<A>;
      ArrayHead<2> head = *usable_head(a.checked());
      const auto source = head;
      head.id = UniqueId::make();
      std::swap(head.dimensions[0], head.dimensions[1]);
      for (std::size_t place = 0; place < head.places(); place++) {
        const auto at = head.coordinates(place);
        head.placement.owners[place] = holder_of(source, place_of<2>({at[1], at[0]}, source.grid()));
      }
      if (!head.placement.copies.empty()) head.placement.copies = choose_copies(head.placement.owners);
      return make_with_head<T, 2, Part>(std::move(head), a.checked()->repair_mode, TransposedPart<T, Part>(),
                                        uncounted(a));
    }
  }
};

// Not inline, so that the library has it for the usual types (see instantiations.hpp).
template <template <class, std::size_t> class Part>
template <class R, class Op, AnyArray A>
std::optional<R> DistributedKind<Part>::reduce(Op op, const A& array) {
  using E = element_of<A>;
  constexpr std::size_t N = rank_of<A>;
  auto head = head_for(array);
  if constexpr (in_host_memory<Part>) {
    head = with_blocks(std::move(head));
    Reduction<R, E, N, Op> reduction(head, on_each_place(head, ReducedPart<R, Op, Part>{{op}}, uncounted(array)), op);
    return reduction(Box<N>::all(head.extents()));
  } else {
    std::optional<R> result;
    for (auto& part : on_each_place(head, ReducedPart<R, Op, Part>{{op}}, uncounted(array)))
      for (auto& each : part.complete)
        result = result ? static_cast<R>(op(std::move(*result), static_cast<R>(std::move(each))))
                        : static_cast<R>(std::move(each));
    return result;
  }
}

}  // namespace detail
}  // namespace cohort
