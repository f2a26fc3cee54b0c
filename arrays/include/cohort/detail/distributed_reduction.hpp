#pragma once

#include <cohort/detail/distributed_expression.hpp>

// Included by darray.hpp. Reductions of distributed arrays, in the order of reduction_tree.hpp.

namespace COHORT_EXPORT cohort {
namespace detail {

template <class T>
using stored_element_t = std::conditional_t<std::is_same_v<T, bool>, unsigned char, T>;

/// What a place has of a reduction: of the nodes of the tree that it has as a whole, their results; of the leaves that
/// it has a piece of, the elements.
template <class R, class E>
struct PartialReduction {
  std::vector<stored_element_t<R>> complete;
  std::vector<stored_element_t<E>> elements;
};

/// Reduces a part of an array, or of an expression, in the memory of this process. @param node of the tree; @param part
/// what this place has; @param bound the elements of the part, of which none is repeated
template <class R, std::size_t N, class Op, class Bound, class Partial>
void reduce_part(Op& op, const Box<N>& node, const Box<N>& part, Bound& bound, Partial& partial) {
  const Box<N> both = intersection(node, part);
  if (both.empty()) return;
  Box<N> within = both;
  for (std::size_t i = 0; i < N; i++) within.begin[i] -= part.begin[i], within.end[i] -= part.begin[i];
  const auto extents = part.extents();
  if (both == node) {
    auto value = [&](std::size_t place) -> decltype(auto) { return value_at(bound, place); };
    auto leaf = [&](const Box<N>& box) { return reduce_leaf<R>(box, extents, value, op); };
    partial.complete.push_back(static_cast<stored_element_t<R>>(*reduce_tree<R>(within, leaf, op)));
  } else if (is_leaf(node)) {
    for_each_row(within, extents, [&](std::size_t place, std::size_t count) {
      for (std::size_t i = 0; i < count; i++)
        partial.elements.push_back(
            static_cast<typename decltype(partial.elements)::value_type>(value_at(bound, place + i)));
    });
  } else {
    const auto [first, second] = halves(node);
    reduce_part<R>(op, first, part, bound, partial);
    reduce_part<R>(op, second, part, bound, partial);
  }
}

template <class R, class Op, template <class, std::size_t> class Part>
struct ReducedPart {
  [[no_unique_address]] Portable<Op> op;

  template <std::size_t N, class A>
  auto operator()(const ArrayHead<N>& head, std::size_t place, const A& array) {
    using E = element_of<A>;
    PartialReduction<R, E> partial;
    std::uint64_t moved = 0;
    const Region<N> region = head.region(place);
    if (region.empty()) return partial;
    const auto whole = head.extents();
    auto bound = Binder<N>{whole, region, place, moved}(array);
    if constexpr (!in_host_memory<Part>) {
      if (auto all = kind_of<Part<R, N>>::template reduce<R>(op.function, bound))
        partial.complete.push_back(static_cast<stored_element_t<R>>(std::move(*all)));
    } else {
      if constexpr (is_expression<decltype(bound)>) {
        if (!has_extents(bound, region.extents())) {
          HostOperand<E, N> values{NdArray<E, N>(bound)};
          reduce_part<R>(op.function, Box<N>::all(whole), region.hull(), values, partial);
          return partial;
        }
      }
      reduce_part<R>(op.function, Box<N>::all(whole), region.hull(), bound, partial);
    }
    return partial;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(op);
  }
};

/// Puts together what the places have, in the same order.
template <class R, class E, std::size_t N, class Op>
class Reduction {
 public:
  Reduction(const ArrayHead<N>& head, std::vector<PartialReduction<R, E>> parts, Op& op)
      : head_(head), parts_(std::move(parts)), next_complete_(parts_.size()), next_element_(parts_.size()), op_(op) {
    for (std::size_t place = 0; place < parts_.size(); place++) boxes_.push_back(head.region(place).hull());
  }
  std::optional<R> operator()(const Box<N>& node);

 private:
  R leaf(const Box<N>& node);

  const ArrayHead<N>& head_;
  std::vector<PartialReduction<R, E>> parts_;
  std::vector<std::size_t> next_complete_, next_element_;
  std::vector<Box<N>> boxes_;
  Op& op_;
};

template <class R, class E, std::size_t N, class Op>
std::optional<R> Reduction<R, E, N, Op>::operator()(const Box<N>& node) {
  if (node.empty()) return std::nullopt;
  const std::size_t place = head_.place_of_index(node.begin);
  if (boxes_[place].contains(node)) return static_cast<R>(std::move(parts_[place].complete[next_complete_[place]++]));
  if (is_leaf(node)) return leaf(node);
  const auto [first, second] = halves(node);
  auto a = (*this)(first);
  auto b = (*this)(second);
  return static_cast<R>(op_(std::move(*a), std::move(*b)));
}
template <class R, class E, std::size_t N, class Op>
R Reduction<R, E, N, Op>::leaf(const Box<N>& node) {
  const auto extents = node.extents();
  std::vector<stored_element_t<E>> tile(node.size());
  for (std::size_t place = 0; place < boxes_.size(); place++) {
    Box<N> both = intersection(node, boxes_[place]);
    if (both.empty()) continue;
    for (std::size_t i = 0; i < N; i++) both.begin[i] -= node.begin[i], both.end[i] -= node.begin[i];
    for_each_row(both, extents, [&](std::size_t at, std::size_t count) {
      for (std::size_t i = 0; i < count; i++) tile[at + i] = std::move(parts_[place].elements[next_element_[place]++]);
    });
  }
  auto value = [&](std::size_t i) { return static_cast<E>(tile[i]); };
  return reduce_leaf<R>(Box<N>::all(extents), extents, value, op_);
}

/// Cyclic layouts become blocks of the same processes: then a process has whole nodes of the tree.
template <std::size_t N>
ArrayHead<N> with_blocks(ArrayHead<N> head) {
  head.id = UniqueId::make();
  for (DimensionLayout& dimension : head.dimensions)
    if (dimension.block != 0) dimension = DimensionLayout::blocks(dimension.extent, dimension.places);
  return head;
}

/// Along one dimension: as above, where the elements of the tree are slabs.
template <class R, class E, std::size_t N>
struct PartialSlabs {
  std::vector<NdArray<R, N>> complete;
  std::vector<NdArray<E, N>> elements;
};

template <class T, std::size_t N>
NdArray<T, N> slabs(const NdArray<T, N>& values, std::size_t dimension, std::size_t begin, std::size_t end) {
  Box<N> box = Box<N>::all(values.extents());
  box.begin[dimension] = begin;
  box.end[dimension] = end;
  return copy_out(values, Region<N>(Box<N>::all(values.extents())), Region<N>(box));
}

template <class R, class Op, template <class, std::size_t> class Part>
struct SlabsOfPart {
  [[no_unique_address]] Portable<Op> op;

  template <std::size_t N, class A>
  auto operator()(const ArrayHead<N>& head, std::size_t place, std::size_t dimension, const A& array) {
    using E = element_of<A>;
    std::uint64_t moved = 0;
    const Region<N> region = head.region(place);
    const Box<N> box = region.hull();
    NdArray<E, N> values;
    if constexpr (in_host_memory<Part>)
      values = values_of<E, Part>(array, head.extents(), region, place, moved);
    else
      values = values_of<E, Part>(array, head.extents(), region, place, moved).copy();
    PartialSlabs<R, E, N> partial;
    visit(0, head.dimensions[dimension].extent, box.begin[dimension], box.end[dimension], dimension, values, partial);
    return partial;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(op);
  }

 private:
  template <std::size_t N, class E>
  void visit(std::size_t begin, std::size_t end, std::size_t from, std::size_t to, std::size_t dimension,
             const NdArray<E, N>& values, PartialSlabs<R, E, N>& partial) {
    const std::size_t a = std::max(begin, from), b = std::min(end, to);
    if (a >= b) return;
    if (a == begin && b == end) {
      partial.complete.push_back(
          HostKind::reduce_dim<R>(op.function, slabs(values, dimension, a - from, b - from), dimension));
    } else if (end - begin <= HostKind::slabs_of_leaf) {
      partial.elements.push_back(slabs(values, dimension, a - from, b - from));
    } else {
      const std::size_t middle = begin + (end - begin + 1) / 2;
      visit(begin, middle, from, to, dimension, values, partial);
      visit(middle, end, from, to, dimension, values, partial);
    }
  }
};

/// Runs where the result is: asks the places that have something of it.
template <class R, class Op, template <class, std::size_t> class Part>
struct ReducedDimensionPart {
  [[no_unique_address]] Portable<Op> op;

  template <std::size_t N, class A>
  NdArray<R, N> operator()(const ArrayHead<N>& head, std::size_t place, std::uint64_t& moved,
                           const ArrayHead<N>& source, std::size_t dimension, const A& array) {
    using E = element_of<A>;
    const SlabsOfPart<R, Op, Part> body{op};
    Index<N> at = head.coordinates(place);
    auto calls =
        place_calls<PartialSlabs<R, E, N>>(source, [&](auto&& call, Pid holder, std::size_t asked, std::size_t) {
          return call(body, holder, source, asked, dimension, array);
        });
    for (std::size_t i = 0; i < source.dimensions[dimension].places; i++) {
      at[dimension] = i;
      calls.start(place_of(at, source.grid()));
    }
    std::vector<PartialSlabs<R, E, N>> parts;
    for (std::size_t i = 0; i < calls.size(); i++) {
      parts.push_back(calls.finish(i));
      at[dimension] = i;
      if (holder_of(source, place_of(at, source.grid())) != myid())
        for (const auto& each : parts.back().complete) moved += each.size() * sizeof(R);
    }
    State<N, E> state{source.dimensions[dimension], dimension, std::move(parts), {}, {}};
    state.next_complete.resize(calls.size());
    state.next_elements.resize(calls.size());
    const std::size_t length = source.dimensions[dimension].extent;
    const auto extents = head.region(place).extents();
    if (element_count(extents) == 0) return NdArray<R, N>(extents);
    if (length == 0) fail_empty("a reduction along a dimension");
    return combine(state, 0, length);
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(op);
  }

 private:
  template <std::size_t N, class E>
  struct State {
    const DimensionLayout& layout;
    std::size_t dimension;
    std::vector<PartialSlabs<R, E, N>> parts;
    std::vector<std::size_t> next_complete, next_elements;
  };
  template <std::size_t N, class E>
  NdArray<R, N> combine(State<N, E>& state, std::size_t begin, std::size_t end) {
    const std::size_t place = state.layout.place_of(begin);
    if (end <= state.layout.cuts[place + 1])
      return std::move(state.parts[place].complete[state.next_complete[place]++]);
    if (end - begin <= HostKind::slabs_of_leaf) {
      std::vector<NdArray<E, N>> pieces;
      for (std::size_t i = place; i < state.parts.size() && state.layout.cuts[i] < end; i++)
        if (state.layout.cuts[i] < state.layout.cuts[i + 1])
          pieces.push_back(std::move(state.parts[i].elements[state.next_elements[i]++]));
      auto extents = pieces[0].extents();
      extents[state.dimension] = end - begin;
      NdArray<E, N> all(Uninitialized(), extents);
      const Region<N> whole(Box<N>::all(extents));
      std::size_t at = 0;
      for (const auto& piece : pieces) {
        Box<N> box = Box<N>::all(extents);
        box.begin[state.dimension] = at;
        at = box.end[state.dimension] = at + piece.extents()[state.dimension];
        copy_in(piece, Region<N>(box), all, whole, Writing::put);
      }
      return HostKind::reduce_dim<R>(op.function, all, state.dimension);
    }
    const std::size_t middle = begin + (end - begin + 1) / 2;
    NdArray<R, N> result = combine(state, begin, middle);
    NdArray<R, N> second = combine(state, middle, end);
    for (std::size_t i = 0; i < result.size(); i++)
      result[i] = static_cast<R>(op.function(std::move(result[i]), std::move(second[i])));
    return result;
  }
};

}  // namespace detail
}  // namespace cohort
