#pragma once

#include <cohort/detail/distributed_expression.hpp>

// Included by darray.hpp. Products of distributed matrices.

namespace COHORT_EXPORT cohort {
namespace detail {

/// The product of one place's columns of a matrix and their elements of a vector.
template <class T, template <class, std::size_t> class Part>
struct PartialProduct {
  template <class A, class B>
  NdArray<T, 1> operator()(const ArrayHead<2>& head, std::size_t place, const DArray<A, 2, Part>&,
                           const DArray<B, 1, Part>& vector) const {
    const auto part = part_here<Part<A, 2>, 2>(head.id, place);
    Region<1> columns;
    columns.dimensions[0] = part->region.dimensions[1];
    std::uint64_t moved = 0;
    const Extents<1> whole = vector.extents();
    const auto bound = bind_array(vector, whole, columns, head.coordinates(place)[1], moved);
    if constexpr (in_host_memory<Part>)
      return HostKind::product(part->values, bound);
    else
      return kind_of<Part<A, 2>>::product(part->values, Part<B, 1>(make_expression(Convert<B>(), bound))).copy();
  }
};
template <class T, template <class, std::size_t> class Part>
struct ProductWithVectorPart {
  template <class A, class B>
  NdArray<T, 1> operator()(const ArrayHead<1>& head, std::size_t place, std::uint64_t&, const ArrayHead<2>& rows,
                           const DArray<A, 2, Part>& matrix, const DArray<B, 1, Part>& vector) const {
    const PartialProduct<T, Part> body;
    const std::size_t columns = rows.dimensions[1].places;
    auto calls = place_calls<NdArray<T, 1>>(rows, [&](auto&& call, Pid holder, std::size_t at, std::size_t) {
      return call(body, holder, rows, at, matrix, vector);
    });
    for (std::size_t i = 0; i < columns; i++) calls.start(place * columns + i);
    NdArray<T, 1> sum(head.region(place).extents());
    for (std::size_t i = 0; i < columns; i++) {
      const NdArray<T, 1> each = calls.finish(i);
      for (std::size_t k = 0; k < sum.size(); k++) sum[k] += each[k];
    }
    return sum;
  }
};
template <class T, template <class, std::size_t> class Part>
struct ProductPart {
  template <class A, class B>
  Part<T, 2> operator()(const ArrayHead<2>& head, std::size_t place, std::uint64_t& moved, const DArray<A, 2, Part>& a,
                        const DArray<B, 2, Part>& b) const {
    const auto region = head.region(place);
    const auto a_head = a.checked()->head();
    const auto b_head = b.checked()->head();
    const std::size_t inner = a.extents()[1];
    constexpr std::size_t panel = 1024;  // columns of a and rows of b that are fetched at a time
    Part<T, 2> result(region.extents());
    if (result.size() == 0) return result;
    for (std::size_t from = 0; from < inner; from += panel) {
      const Runs k = {{from, std::min(inner, from + panel)}};
      const auto rows = get_region<A, 2, Part>(*a_head, Region<2>({region.dimensions[0], k}), &moved);
      const auto columns = get_region<B, 2, Part>(*b_head, Region<2>({k, region.dimensions[1]}), &moved);
      if constexpr (in_host_memory<Part>) {
        add_product(rows.data(), columns.data(), result.data(), rows.extents()[0], rows.extents()[1],
                    columns.extents()[1]);
      } else {
        Part<T, 2> product = kind_of<Part<A, 2>>::product(Part<A, 2>(rows), Part<B, 2>(columns));
        result = from == 0 ? std::move(product) : Part<T, 2>(result + product);
      }
    }
    return result;
  }
};

template <class T, template <class, std::size_t> class Part>
struct TransposedPart {
  NdArray<T, 2> operator()(const ArrayHead<2>& head, std::size_t place, std::uint64_t& moved,
                           const DArray<T, 2, Part>& source) const {
    auto region = head.region(place);
    std::swap(region.dimensions[0], region.dimensions[1]);
    return HostKind::transpose(get_region<T, 2, Part>(*source.checked()->head(), region, &moved));
  }
};

}  // namespace detail
}  // namespace cohort
