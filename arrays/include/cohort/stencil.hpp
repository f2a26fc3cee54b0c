#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include <cohort/darray.hpp>

namespace COHORT_EXPORT cohort {

/// What a stencil reads beyond the edge of an array.
struct Boundary {
  enum class Kind : std::uint8_t { wrap, nearest, reflect, constant };
  Kind kind = Kind::nearest;
  double value = 0;  ///< of Kind::constant

  template <class Archive>
  void serialize(Archive& archive) {
    archive(kind, value);
  }
};
inline constexpr Boundary wrap{Boundary::Kind::wrap, 0};        ///< the array again: index -1 is the last one
inline constexpr Boundary nearest{Boundary::Kind::nearest, 0};  ///< the element at the edge
inline constexpr Boundary reflect{Boundary::Kind::reflect, 0};  ///< index -1 is 1
/// Always this value.
constexpr Boundary constant(double value) { return {Boundary::Kind::constant, value}; }

struct StencilOptions {
  std::size_t width = 1;  ///< how far from its element a stencil reads, in each direction; at most 1048576
  Boundary boundary = nearest;
};

/// What a stencil sees of an array: `at(-1, 0)` is the element one row above its own.
template <class T, std::size_t N>
class Neighbours {
 public:
  Neighbours(const T* centre, const std::array<std::size_t, N>& strides) : centre_(centre), strides_(strides) {}
  /// Not checked: offsets are at most StencilOptions::width.
  template <std::convertible_to<std::ptrdiff_t>... I>
  requires(sizeof...(I) == N) const T& operator()(I... offset) const {
    const std::array<std::ptrdiff_t, N> offsets{static_cast<std::ptrdiff_t>(offset)...};
    std::ptrdiff_t place = 0;
    for (std::size_t i = 0; i < N; i++) place += offsets[i] * static_cast<std::ptrdiff_t>(strides_[i]);
    return centre_[place];
  }

 private:
  const T* centre_;
  const std::array<std::size_t, N>& strides_;
};

namespace detail {

/// @throws Error if it is too large.
void check_width(std::size_t width);
/// For each index from begin - width to end + width: the index of the element that is read. `outside` for a constant.
std::vector<std::size_t> halo_indices(std::size_t begin, std::size_t end, std::size_t extent, std::size_t width,
                                      Boundary::Kind kind);
inline constexpr std::size_t outside = ~std::size_t{0};
/// As runs, without `outside`.
Runs runs_of(std::vector<std::size_t> indices);

/// The elements of a box and what is around it. @param read gives the elements of a region
template <class T, std::size_t N, class Read>
NdArray<T, N> with_halo(const Box<N>& box, const Extents<N>& extents, const StencilOptions& options, Read&& read) {
  std::array<std::vector<std::size_t>, N> indices;
  Region<N> needed;
  Extents<N> extended;
  bool consecutive = true;
  for (std::size_t i = 0; i < N; i++) {
    indices[i] = halo_indices(box.begin[i], box.end[i], extents[i], options.width, options.boundary.kind);
    needed.dimensions[i] = runs_of(indices[i]);
    extended[i] = indices[i].size();
    consecutive = consecutive && needed.dimensions[i].size() == 1 && count(needed.dimensions[i]) == extended[i] &&
                  std::ranges::is_sorted(indices[i]);
  }
  NdArray<T, N> elements = read(needed);
  if (consecutive) return elements;
  // From an index to the place in `elements`.
  std::array<std::vector<std::size_t>, N> places;
  for (std::size_t i = 0; i < N; i++)
    for (const std::size_t index : indices[i]) {
      std::size_t place = 0;
      for (const Run& run : needed.dimensions[i]) {
        if (index < run.end) {
          place += index - run.begin;
          break;
        }
        place += run.end - run.begin;
      }
      places[i].push_back(index == outside ? outside : place);
    }
  NdArray<T, N> result(Uninitialized(), extended);
  const T beyond = [&] {
    if constexpr (std::is_convertible_v<double, T>) return static_cast<T>(options.boundary.value);
    return T{};
  }();
  Index<N> at{};
  for (std::size_t to = 0; to < result.size(); to++) {
    std::size_t from = 0;
    bool inside = true;
    for (std::size_t i = 0; i < N; i++) {
      inside = inside && places[i][at[i]] != outside;
      from = from * elements.extents()[i] + places[i][at[i]];
    }
    result[to] = inside ? elements[from] : beyond;
    for (std::size_t i = N; i-- > 0;) {
      if (++at[i] < extended[i]) break;
      at[i] = 0;
    }
  }
  return result;
}

/// `f` of each element of a box. @param extended the box and what is around it
template <class R, class T, std::size_t N, class F>
NdArray<R, N> apply_stencil(const NdArray<T, N>& extended, const Extents<N>& extents, std::size_t width, F& f) {
  NdArray<R, N> result(Uninitialized(), extents);
  const auto strides = strides_of(extended.extents());
  Box<N> inner;
  for (std::size_t i = 0; i < N; i++) inner.begin[i] = width, inner.end[i] = width + extents[i];
  R* to = result.data();
  for_each_row(inner, extended.extents(), [&](std::size_t place, std::size_t length) {
    for (std::size_t i = 0; i < length; i++)
      *to++ = static_cast<R>(f(Neighbours<T, N>(extended.data() + place + i, strides)));
  });
  return result;
}

template <class R, class T, template <class, std::size_t> class Part, class F>
struct StencilPart {
  [[no_unique_address]] Portable<F> f;
  template <std::size_t N>
  NdArray<R, N> operator()(const ArrayHead<N>& head, std::size_t place, std::uint64_t& moved,
                           const StencilOptions& options, const DArray<T, N, Part>& source) {
    const Box<N> box = head.region(place).hull();
    if (box.empty()) return NdArray<R, N>(box.extents());
    const auto extended = with_halo<T>(box, head.extents(), options, [&](const Region<N>& needed) {
      return get_region<T, N, Part>(*source.checked()->head(), needed, &moved);
    });
    return apply_stencil<R>(extended, box.extents(), options.width, f.function);
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(f);
  }
};

template <class F, class T, std::size_t N>
using stencil_result_t = std::decay_t<std::invoke_result_t<F&, const Neighbours<T, N>&>>;

}  // namespace detail

/// An array of `f(at)` for each element of `a`, where at(i, j, ...) is the element that is (i, j, ...) away. Each
/// process fetches what its part needs of the others, in one message to each.
///
///     auto next = cohort::stencil(grid, {.width = 1, .boundary = cohort::wrap}, [](const auto& at) {
///       return 0.25 * (at(-1, 0) + at(1, 0) + at(0, -1) + at(0, 1));
///     });
template <class T, std::size_t N, template <class, std::size_t> class Part, class F>
auto stencil(const DArray<T, N, Part>& a, const StencilOptions& options, F f) {
  using R = detail::stencil_result_t<F, T, N>;
  detail::check_width(options.width);
  Repair repair{};
  auto head = detail::with_blocks(detail::head_for(a, &repair));
  return detail::make_with_head<R, N, Part>(std::move(head), repair, detail::StencilPart<R, T, Part, F>{{std::move(f)}},
                                            options, detail::uncounted(a));
}
template <class T, std::size_t N, class F>
auto stencil(const NdArray<T, N>& a, const StencilOptions& options, F f) {
  using R = detail::stencil_result_t<F, T, N>;
  detail::check_width(options.width);
  if (a.empty()) return NdArray<R, N>(a.extents());
  const detail::Region<N> all(Box<N>::all(a.extents()));
  const auto extended =
      detail::with_halo<T>(Box<N>::all(a.extents()), a.extents(), options,
                           [&](const detail::Region<N>& needed) { return detail::copy_out(a, all, needed); });
  return detail::apply_stencil<R>(extended, a.extents(), options.width, f);
}

}  // namespace cohort
