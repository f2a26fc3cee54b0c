#pragma once

#include <array>
#include <chrono>
#include <concepts>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <cohort/detail/codec.hpp>

// The types of the standard library. Types that the interface of cohort does not use are recognised by their members,
// so a program that sends no std::map does not include <map> because of cohort. Containers of the same form, for
// example those of Boost, can be sent too.

namespace COHORT_EXPORT cohort {

template <class T, std::size_t N>
struct is_bitwise<std::array<T, N>> : std::bool_constant<(N > 0) && is_bitwise<T>::value> {};
template <class Rep, class Period>
struct is_bitwise<std::chrono::duration<Rep, Period>> : is_bitwise<Rep> {};
template <class ClockType, class Length>
struct is_bitwise<std::chrono::time_point<ClockType, Length>>
    : std::bool_constant<is_bitwise<Length>::value && !std::is_same_v<ClockType, std::chrono::steady_clock>> {};

namespace detail {

template <class T>
T load_new(InArchive& ar) {
  if constexpr (!check_value<T>()) {
    ar.fail(typeid(T), "such a value cannot travel");
  } else {
    T value{};
    load_value(ar, value);
    return value;
  }
}

/// For how many elements to allocate memory at once: never more than the remaining bytes could fill.
template <class T>
std::size_t affordable(const InArchive& ar, std::uint64_t count) {
  const std::uint64_t most = ar.left() / sizeof(T) + 1;
  return count < most ? count : most;
}

/// Called before `size` bytes of new memory are filled. It only makes that faster, where it is large.
void will_fill(void* memory, std::size_t size) noexcept;

/// Contiguous and growing: vector, string.
template <class Range>
struct ContiguousCodec {
  using T = typename Range::value_type;
  static constexpr std::size_t min_size = sizeof(std::uint64_t);
  static constexpr bool serializable = is_serializable<T>();

  static void save(OutArchive& ar, const Range& range) {
    if constexpr (bitwise<T>()) {
      ar.write_block(range.data(), range.size(), sizeof(T));
    } else {
      ar.write_size(range.size());
      for (const T& element : range) save_value(ar, element);
    }
  }
  static void load(InArchive& ar, Range& range) {
    if constexpr (bitwise<T>()) {
      const InArchive::Block block = ar.read_block(sizeof(T), typeid(Range));
      if (block.segment != nullptr && range.capacity() < block.count) {
        range.clear();
        range.reserve(block.count);
        will_fill(range.data(), block.count * sizeof(T));
      }
      if (reinterpret_cast<std::uintptr_t>(block.data) % alignof(T) == 0) {
        const T* first = reinterpret_cast<const T*>(block.data);
        range.assign(first, first + block.count);
      } else {
        range.resize(block.count);
        if (block.count != 0) std::memcpy(static_cast<void*>(range.data()), block.data, block.count * sizeof(T));
      }
    } else {
      const std::uint64_t count = ar.read_size(detail::min_size<T>(), typeid(Range));
      range.clear();
      range.reserve(affordable<T>(ar, count));
      for (std::uint64_t i = 0; i < count; ++i) range.push_back(load_new<T>(ar));
    }
  }
};

template <class T, class Allocator>
struct Codec<std::vector<T, Allocator>> : ContiguousCodec<std::vector<T, Allocator>> {};
template <class C, class Traits, class Allocator>
struct Codec<std::basic_string<C, Traits, Allocator>> : ContiguousCodec<std::basic_string<C, Traits, Allocator>> {};

/// Bits, eight in a byte, the first one lowest; unused bits are 0.
template <class Bits>
void save_bits(OutArchive& ar, const Bits& bits, std::size_t count) {
  for (std::size_t i = 0; i < count; i += 8) {
    unsigned char byte = 0;
    for (std::size_t j = i; j < i + 8 && j < count; ++j) byte |= static_cast<unsigned char>(bits[j] << (j - i));
    ar.write(&byte, 1);
  }
}
template <class Bits>
void load_bits(InArchive& ar, Bits& bits, std::size_t count) {
  for (std::size_t i = 0; i < count; i += 8) {
    unsigned char byte;
    ar.read(&byte, 1, typeid(Bits));
    for (std::size_t j = i; j < i + 8 && j < count; ++j) bits[j] = (byte >> (j - i)) & 1;
    if (count - i < 8 && byte >> (count - i) != 0) ar.fail(typeid(Bits), "a bit after the last is set");
  }
}

template <class Allocator>
struct Codec<std::vector<bool, Allocator>> {
  static constexpr std::size_t min_size = sizeof(std::uint64_t);
  static constexpr bool serializable = true;

  static void save(OutArchive& ar, const std::vector<bool, Allocator>& bits) {
    ar.write_size(bits.size());
    save_bits(ar, bits, bits.size());
  }
  static void load(InArchive& ar, std::vector<bool, Allocator>& bits) {
    std::uint64_t count;
    ar.read(&count, sizeof(count), typeid(bits));
    if (count / 8 + (count % 8 != 0) > ar.left()) ar.fail(typeid(bits), "a count is more than the bytes left can hold");
    bits.assign(count, false);
    load_bits(ar, bits, count);
  }
};

/// std::bitset.
template <class T>
concept BitSet = requires(T t, const T& c) {
  c.to_ullong();
  { c.count() } -> std::same_as<std::size_t>;
  { c.test(0) } -> std::same_as<bool>;
  t.flip(0);
};
template <BitSet Bits>
struct Codec<Bits> {
  static constexpr std::size_t size = Bits{}.size();
  static constexpr std::size_t min_size = size == 0 ? 1 : (size + 7) / 8;
  static constexpr bool serializable = true;

  static void save(OutArchive& ar, const Bits& bits) {
    if constexpr (size == 0)
      ar.write("", 1);
    else
      save_bits(ar, bits, size);
  }
  static void load(InArchive& ar, Bits& bits) {
    if constexpr (size == 0)
      load_new<char>(ar);
    else
      load_bits(ar, bits, size);
  }
};

/// Lists and sets: a count, then the elements.
template <class Range, class T = typename Range::value_type>
struct RangeCodec {
  static constexpr std::size_t min_size = sizeof(std::uint64_t);
  static constexpr bool serializable = is_serializable<T>();

  static void save(OutArchive& ar, const Range& range) {
    ar.write_size(range.size());
    for (const auto& element : range) save_value(ar, element);
  }
  static void load(InArchive& ar, Range& range) {
    const std::uint64_t count = ar.read_size(detail::min_size<T>(), typeid(Range));
    range.clear();
    for (std::uint64_t i = 0; i < count; ++i) range.insert(range.end(), load_new<T>(ar));
    if (range.size() != count) ar.fail(typeid(Range), "a key comes twice");
  }
};

/// Maps: pairs whose keys are not const while they are read.
template <class Map>
using MapCodec = RangeCodec<Map, std::pair<typename Map::key_type, typename Map::mapped_type>>;

/// deque, list, set, map and their like.
template <class T>
concept Container = requires(T t, const T& c, typename T::value_type element) {
  typename T::allocator_type;
  { c.size() } -> std::same_as<typename T::size_type>;
  { *c.begin() } -> std::convertible_to<const typename T::value_type&>;
  t.clear();
  t.insert(t.end(), std::move(element));
};
template <class T>
concept MapContainer = Container<T> && requires {
  typename T::key_type;
  typename T::mapped_type;
};
template <Container T>
struct Codec<T> : RangeCodec<T> {};
template <MapContainer T>
struct Codec<T> : MapCodec<T> {};

/// Parts of fixed number: array, pair, tuple. At least one byte.
template <class Tuple, class... T>
struct TupleCodec {
  static constexpr std::size_t parts_size = (std::size_t{0} + ... + detail::min_size<std::remove_cv_t<T>>());
  static constexpr std::size_t min_size = parts_size == 0 ? 1 : parts_size;
  static constexpr bool serializable = (... && is_serializable<std::remove_cv_t<T>>());

  static void save(OutArchive& ar, const Tuple& tuple) {
    std::apply([&ar](const auto&... part) { (save_value(ar, part), ...); }, tuple);
    if constexpr (sizeof...(T) == 0) ar.write("", 1);
  }
  static void load(InArchive& ar, Tuple& tuple) {
    std::apply([&ar](auto&... part) { (load_value(ar, part), ...); }, tuple);
    if constexpr (sizeof...(T) == 0) load_new<char>(ar);
  }
};
template <class A, class B>
struct Codec<std::pair<A, B>> : TupleCodec<std::pair<A, B>, A, B> {};
template <class... T>
struct Codec<std::tuple<T...>> : TupleCodec<std::tuple<T...>, T...> {};

template <class T, std::size_t N>
struct Codec<std::array<T, N>> {
  static constexpr std::size_t min_size = N == 0 ? 1 : N * detail::min_size<T>();
  static constexpr bool serializable = is_serializable<T>();

  static void save(OutArchive& ar, const std::array<T, N>& array) {
    for (const T& element : array) save_value(ar, element);
    if constexpr (N == 0) ar.write("", 1);
  }
  static void load(InArchive& ar, std::array<T, N>& array) {
    for (T& element : array) load_value(ar, element);
    if constexpr (N == 0) load_new<char>(ar);
  }
};

/// A value or nothing: optional, unique_ptr.
template <class Maybe, class T>
struct MaybeCodec {
  static constexpr std::size_t min_size = 1;
  static constexpr bool serializable = true;  // T may be the class that has this field: do not look

  static void save(OutArchive& ar, const Maybe& maybe) {
    const bool there = static_cast<bool>(maybe);
    save_value(ar, there);
    if (there) save_value(ar, *maybe);
  }
  static void load(InArchive& ar, Maybe& maybe) {
    maybe = Maybe{};
    if (!load_new<bool>(ar)) return;
    if constexpr (check_value<T>()) {
      if constexpr (requires { maybe.emplace(); })
        maybe.emplace();
      else
        maybe.reset(new T{});
      load_value(ar, *maybe);
    }
  }
};
template <class T>
struct Codec<std::optional<T>> : MaybeCodec<std::optional<T>, T> {};
template <class T>
requires(!std::is_array_v<T>) struct Codec<std::unique_ptr<T>> : MaybeCodec<std::unique_ptr<T>, T> {
  static void save(OutArchive& ar, const std::unique_ptr<T>& pointer) {
    static_assert(!std::is_polymorphic_v<T> || std::is_final_v<T>,
                  "cohort: a pointer to a polymorphic class would lose the derived part; send a std::variant");
    MaybeCodec<std::unique_ptr<T>, T>::save(ar, pointer);
  }
};

/// std::variant.
template <class T>
concept Alternatives = requires(const T& t) {
  { t.index() } -> std::same_as<std::size_t>;
  { t.valueless_by_exception() } -> std::same_as<bool>;
};
template <template <class...> class Template, class... T>
requires Alternatives<Template<T...>>
struct Codec<Template<T...>> {
  using Variant = Template<T...>;
  static_assert(sizeof...(T) < 256);
  static constexpr std::size_t min_size = 1;
  static constexpr bool serializable = (... && is_serializable<T>());

  static void save(OutArchive& ar, const Variant& variant) {
    if (variant.valueless_by_exception()) throw Error("a variant without a value cannot be sent");
    save_value(ar, static_cast<unsigned char>(variant.index()));
    visit([&ar](const auto& value) { save_value(ar, value); }, variant);  // of namespace std
  }
  static void load(InArchive& ar, Variant& variant) {
    const auto index = load_new<unsigned char>(ar);
    if (index >= sizeof...(T)) ar.fail(typeid(Variant), "there is no alternative of this number");
    load_alternative(ar, variant, index, std::index_sequence_for<T...>{});
  }

 private:
  template <std::size_t... I>
  static void load_alternative(InArchive& ar, Variant& variant, std::size_t index, std::index_sequence<I...>) {
    (void)(... || (index == I && (load_value(ar, variant.template emplace<I>()), true)));
  }
};

// With a representation that is not bitwise (long double).
template <class Rep, class Period>
struct Codec<std::chrono::duration<Rep, Period>> {
  using Length = std::chrono::duration<Rep, Period>;
  static constexpr std::size_t min_size = detail::min_size<Rep>();
  static constexpr bool serializable = is_serializable<Rep>();
  static void save(OutArchive& ar, const Length& length) { save_value(ar, length.count()); }
  static void load(InArchive& ar, Length& length) { length = Length(load_new<Rep>(ar)); }
};
template <class ClockType, class Length>
struct Codec<std::chrono::time_point<ClockType, Length>> {
  using Point = std::chrono::time_point<ClockType, Length>;
  // Each host starts that clock for itself.
  static constexpr bool means_the_same = !std::is_same_v<ClockType, std::chrono::steady_clock>;
  static constexpr std::size_t min_size = detail::min_size<Length>();
  static constexpr bool serializable = is_serializable<Length>() && means_the_same;
  static void save(OutArchive& ar, const Point& point) {
    static_assert(means_the_same,
                  "cohort: a time_point of steady_clock means nothing on another host; send one of system_clock, or a "
                  "duration");
    save_value(ar, point.time_since_epoch());
  }
  static void load(InArchive& ar, Point& point) { point = Point(load_new<Length>(ar)); }
};
/// std::complex.
template <class T>
concept ComplexNumber = requires(const T& t) {
  typename T::value_type;
  { t.real() } -> std::same_as<typename T::value_type>;
  { t.imag() } -> std::same_as<typename T::value_type>;
  T(t.real(), t.imag());
}
&&sizeof(T) == 2 * sizeof(typename T::value_type);
template <ComplexNumber T>
struct Codec<T> {
  using Part = typename T::value_type;
  static constexpr std::size_t min_size = 2 * detail::min_size<Part>();
  static constexpr bool serializable = is_serializable<Part>();
  static void save(OutArchive& ar, const T& number) {
    save_value(ar, number.real());
    save_value(ar, number.imag());
  }
  static void load(InArchive& ar, T& number) {
    const Part real = load_new<Part>(ar);
    number = {real, load_new<Part>(ar)};
  }
};

/// std::filesystem::path.
template <class T>
concept Path = requires(const T& t) {
  typename T::string_type;
  { t.native() } -> std::same_as<const typename T::string_type&>;
  { t.parent_path() } -> std::same_as<T>;
};
template <Path T>
struct Codec<T> {
  static constexpr std::size_t min_size = sizeof(std::uint64_t);
  static constexpr bool serializable = true;
  static void save(OutArchive& ar, const T& path) { save_value(ar, path.native()); }
  static void load(InArchive& ar, T& path) { path = load_new<std::string>(ar); }
};

}  // namespace detail

template <detail::ComplexNumber T>
struct is_bitwise<T> : is_bitwise<typename T::value_type> {};

}  // namespace cohort
