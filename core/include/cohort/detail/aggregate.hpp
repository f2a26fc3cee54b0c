#pragma once

#include <cohort/detail/language.hpp>

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

// Finds the fields of a plain aggregate without any help of its author: their number by trying initialisers, their
// names by structured bindings.

namespace COHORT_EXPORT cohort {
namespace detail {

inline constexpr std::size_t max_fields = 32;
inline constexpr std::size_t max_initializers = 256;  // each try is one more template: keeps compile time in bounds
inline constexpr std::size_t not_found = static_cast<std::size_t>(-1);

/// Can initialise a field of any type; it is only named, never created. It does not convert to an allocator's tag,
/// because constructors that take one (as in std::tuple) give hard errors if they cannot be used.
struct AnyField {
  template <class T>
  requires(!std::is_same_v<T, std::allocator_arg_t>) operator T() const;
};

/// Can initialise only base classes of T.
template <class T>
struct AnyBaseOf {
  template <class Base>
  requires(std::is_base_of_v<Base, T> && !std::is_same_v<Base, T>) operator Base() const;
};

template <class T, std::size_t... I>
constexpr bool takes_initializers(std::index_sequence<I...>) {
  return requires { T{((void)I, AnyField{})...}; };
}

/// Whether T can be initialised by `Before` values, then one list of `Inside` values, then `After` values.
template <class T, std::size_t... Before, std::size_t... Inside, std::size_t... After>
constexpr bool takes_nested(std::index_sequence<Before...>, std::index_sequence<Inside...>,
                            std::index_sequence<After...>) {
  return requires { T{((void)Before, AnyField{})..., {((void)Inside, AnyField{})...}, ((void)After, AnyField{})...}; };
}

template <class T, std::size_t N>
inline constexpr bool takes = takes_initializers<T>(std::make_index_sequence<N>{});

template <class T, std::size_t Before, std::size_t Inside, std::size_t After>
inline constexpr bool takes_list = takes_nested<T>(std::make_index_sequence<Before>{},
                                                   std::make_index_sequence<Inside>{},
                                                   std::make_index_sequence<After>{});

/// Counts upwards, because fields without a default make too few initialisers as wrong as too many.
template <class T, std::size_t N = 0, bool Found = false>
constexpr std::size_t count_initializers() {
  if constexpr (N > max_initializers)
    return not_found;
  else if constexpr (takes<T, N>)
    return count_initializers<T, N + 1, true>();
  else if constexpr (Found)
    return N - 1;
  else if constexpr (N > sizeof(T) + 1)
    return not_found;
  else
    return count_initializers<T, N + 1, false>();
}

/// How many of `Total` initialisers belong to the field that begins at initialiser `At`: an array field has one for
/// each element. It is an array if a list of Length fills it and exactly the other initialisers may follow.
template <class T, std::size_t Total, std::size_t At, std::size_t Length>
constexpr std::size_t field_width() {
  if constexpr (Length < 2)
    return 1;
  else if constexpr (takes_list<T, At, Length, Total - At - Length> &&
                     !takes_list<T, At, Length, Total - At - Length + 1>)
    return Length;
  else
    return field_width<T, Total, At, Length - 1>();
}

template <class T, std::size_t Total, std::size_t At = 0>
constexpr std::size_t count_from() {
  if constexpr (At >= Total)
    return 0;
  else
    return 1 + count_from<T, Total, At + field_width<T, Total, At, Total - At>()>();
}

template <class T>
constexpr std::size_t count_fields() {
  constexpr std::size_t initializers = count_initializers<T>();
  if constexpr (initializers == not_found)
    return not_found;
  else
    return count_from<T, initializers>();
}

/// The number of fields, or not_found.
template <class T>
inline constexpr std::size_t field_count = count_fields<std::remove_cv_t<T>>();

template <class T>
concept HasBase = requires {
  T{AnyBaseOf<T>{}};
};

/// Calls visit(field...) with references to all fields of `t`, and returns its result.
template <class T, class Visit>
constexpr decltype(auto) visit_fields(T& t, Visit&& visit) {
  constexpr std::size_t count = field_count<T>;
  static_assert(count <= max_fields);
  if constexpr (count == 0) {
    return visit();
  } else if constexpr (count == 1) {
    auto& [a] = t;
    return visit(a);
  } else if constexpr (count == 2) {
    auto& [a, b] = t;
    return visit(a, b);
  } else if constexpr (count == 3) {
    auto& [a, b, c] = t;
    return visit(a, b, c);
  } else if constexpr (count == 4) {
    auto& [a, b, c, d] = t;
    return visit(a, b, c, d);
  } else if constexpr (count == 5) {
    auto& [a, b, c, d, e] = t;
    return visit(a, b, c, d, e);
  } else if constexpr (count == 6) {
    auto& [a, b, c, d, e, f] = t;
    return visit(a, b, c, d, e, f);
  } else if constexpr (count == 7) {
    auto& [a, b, c, d, e, f, g] = t;
    return visit(a, b, c, d, e, f, g);
  } else if constexpr (count == 8) {
    auto& [a, b, c, d, e, f, g, h] = t;
    return visit(a, b, c, d, e, f, g, h);
  } else if constexpr (count == 9) {
    auto& [a, b, c, d, e, f, g, h, i] = t;
    return visit(a, b, c, d, e, f, g, h, i);
  } else if constexpr (count == 10) {
    auto& [a, b, c, d, e, f, g, h, i, j] = t;
    return visit(a, b, c, d, e, f, g, h, i, j);
  } else if constexpr (count == 11) {
    auto& [a, b, c, d, e, f, g, h, i, j, k] = t;
    return visit(a, b, c, d, e, f, g, h, i, j, k);
  } else if constexpr (count == 12) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l] = t;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l);
  } else if constexpr (count == 13) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m] = t;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m);
  } else if constexpr (count == 14) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = t;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n);
  } else if constexpr (count == 15) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o] = t;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o);
  } else if constexpr (count == 16) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = t;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p);
  } else if constexpr (count == 17) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q] = t;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q);
  } else if constexpr (count == 18) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r] = t;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r);
  } else if constexpr (count == 19) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s] = t;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s);
  } else if constexpr (count == 20) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u] = t;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u);
  } else if constexpr (count == 21) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u, v] = t;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u, v);
  } else if constexpr (count == 22) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u, v, w] = t;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u, v, w);
  } else if constexpr (count == 23) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u, v, w, x] = t;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u, v, w, x);
  } else if constexpr (count == 24) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u, v, w, x, y] = t;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u, v, w, x, y);
  } else if constexpr (count == 25) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u, v, w, x, y, z] = t;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u, v, w, x, y, z);
  } else if constexpr (count == 26) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u, v, w, x, y, z, aa] = t;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u, v, w, x, y, z, aa);
  } else if constexpr (count == 27) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u, v, w, x, y, z, aa, bb] = t;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u, v, w, x, y, z, aa, bb);
  } else if constexpr (count == 28) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u, v, w, x, y, z, aa, bb, cc] = t;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u, v, w, x, y, z, aa, bb, cc);
  } else if constexpr (count == 29) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u, v, w, x, y, z, aa, bb, cc, dd] = t;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u, v, w, x, y, z, aa, bb, cc, dd);
  } else if constexpr (count == 30) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u, v, w, x, y, z, aa, bb, cc, dd, ee] = t;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u, v, w, x, y, z, aa, bb, cc, dd, ee);
  } else if constexpr (count == 31) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u, v, w, x, y, z, aa, bb, cc, dd, ee, ff] = t;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u, v, w, x, y, z, aa, bb, cc, dd, ee, ff);
  } else if constexpr (count == 32) {
    auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u, v, w, x, y, z, aa, bb, cc, dd, ee, ff, gg] = t;
    return visit(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, u, v, w, x, y, z, aa, bb, cc, dd, ee, ff, gg);
  }
}

}  // namespace detail
}  // namespace cohort
