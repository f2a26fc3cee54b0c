#pragma once

#include <cfloat>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include <cohort/archive.hpp>
#include <cohort/detail/aggregate.hpp>

// Writes and reads each kind of type, in this order: numbers, memory images, the type's own code, the standard library,
// aggregates. Every value takes at least one byte of the body, so that a count can be compared with the remaining
// bytes.

namespace COHORT_EXPORT cohort {

namespace detail {

template <class T>
concept MemberSerialize = requires(T& t, OutArchive& ar) {
  t.serialize(ar);
};
template <class T>
concept FreeSerialize = requires(T& t, OutArchive& ar) {
  serialize(ar, t);
};
template <class T>
concept MemberSaveLoad = requires(const T& from, T& to, OutArchive& out, InArchive& in) {
  from.save(out);
  to.load(in);
};
template <class T>
concept FreeSaveLoad = requires(const T& from, T& to, OutArchive& out, InArchive& in) {
  save(out, from);
  load(in, to);
};
template <class T>
concept HasOwnCode = MemberSerialize<T> || FreeSerialize<T> || MemberSaveLoad<T> || FreeSaveLoad<T>;

/// Specialised for the types of the standard library: save, load, min_size (bytes of the body), serializable.
template <class T>
struct Codec;
template <class T>
concept HasCodec = requires {
  Codec<T>::min_size;
};

/// A class whose fields visit_fields can find.
template <class T>
constexpr bool is_plain_aggregate() {
  if constexpr (!std::is_class_v<T> || !std::is_aggregate_v<T>)
    return false;
  else if constexpr (HasBase<T>)
    return false;
  else
    return field_count<T> <= max_fields;
}

template <class T>
constexpr bool is_bitwise_by_itself();

}  // namespace detail

/// Whether the memory of a T is its encoding. True for numbers (except bool), enums, and aggregates of them without
/// padding. Specialise it as std::true_type for a trivially copyable class without pointers if others may see its
/// padding.
template <class T>
struct is_bitwise : std::bool_constant<detail::is_bitwise_by_itself<T>()> {};

namespace detail {

template <class T>
constexpr bool bitwise() {
  if constexpr (is_bitwise<std::remove_cv_t<T>>::value) {
    static_assert(std::is_trivially_copyable_v<T>, "cohort: is_bitwise is only for trivially copyable types");
    return true;
  }
  return false;
}

template <class T>
constexpr bool fields_are_bitwise_without_gaps() {
  using Answer = decltype(visit_fields(std::declval<T&>(), [](auto&... field) {
    return std::bool_constant < ((0 + ... + sizeof(field)) == sizeof(T)) &&
           (... && bitwise<std::remove_reference_t<decltype(field)>>()) > {};
  }));
  return Answer::value;
}

template <class T>
constexpr bool is_bitwise_by_itself() {
  if constexpr (std::is_enum_v<T>)
    return is_bitwise_by_itself<std::underlying_type_t<T>>();
  else if constexpr (std::is_arithmetic_v<T>)
    return !std::is_same_v<T, bool> && !std::is_same_v<T, long double>;
  else if constexpr (std::is_bounded_array_v<T>)
    return bitwise<std::remove_extent_t<T>>();
  else if constexpr (!std::is_class_v<T> || !std::is_trivially_copyable_v<T> || HasOwnCode<T> || HasCodec<T>)
    return false;
  else if constexpr (is_plain_aggregate<T>())
    return fields_are_bitwise_without_gaps<T>();
  else
    return false;
}

template <class T>
inline constexpr bool refers_to_memory = std::is_pointer_v<T> || std::is_member_pointer_v<T> || std::is_reference_v<T>;
template <class T>
inline constexpr bool is_view = false;
template <class C, class Traits>
inline constexpr bool is_view<std::basic_string_view<C, Traits>> = true;
template <class T, std::size_t N>
inline constexpr bool is_view<std::span<T, N>> = true;
template <class T>
inline constexpr bool is_shared = false;
template <class T>
inline constexpr bool is_shared<std::shared_ptr<T>> = true;
template <class T>
inline constexpr bool is_shared<std::weak_ptr<T>> = true;
template <class T>
inline constexpr bool is_reference_wrapper = false;
template <class T>
inline constexpr bool is_reference_wrapper<std::reference_wrapper<T>> = true;

template <class T>
constexpr bool is_serializable() {
  if constexpr (is_number<T>)
    return true;
  else if constexpr (bitwise<T>() || HasOwnCode<T>)
    return true;
  else if constexpr (HasCodec<T>)
    return Codec<T>::serializable;
  else if constexpr (std::is_bounded_array_v<T>)
    return is_serializable<std::remove_extent_t<T>>();
  else
    return !is_view<T> && !is_shared<T> && is_plain_aggregate<T>();
}

/// Reports one clear error for each type that cannot be sent; at most one applies.
template <class T>
constexpr bool check_serializable() {
  if constexpr (refers_to_memory<T>) {
    static_assert(!refers_to_memory<T>,
                  "cohort: a pointer or reference means nothing in another process; send the value it points at");
  } else if constexpr (is_view<T>) {
    static_assert(!is_view<T>,
                  "cohort: a string_view or span does not own what it shows; send a std::string, std::vector or "
                  "cohort::Array");
  } else if constexpr (is_shared<T>) {
    static_assert(!is_shared<T>,
                  "cohort: shared ownership ends at the process; send the value, a std::unique_ptr or a Future");
  } else if constexpr (is_reference_wrapper<T>) {
    static_assert(!is_reference_wrapper<T>,
                  "cohort: std::ref refers to memory of this process; pass the value itself, and return what changed");
  } else if constexpr (std::is_same_v<T, std::nullopt_t>) {
    static_assert(!std::is_same_v<T, std::nullopt_t>,
                  "cohort: std::nullopt does not say what is missing; write std::optional<T>{}");
  } else if constexpr (!std::is_class_v<T> || !std::is_aggregate_v<T>) {
    static_assert(std::is_class_v<T> && std::is_aggregate_v<T>,
                  "cohort: this type cannot travel; give it `template <class Archive> void serialize(Archive& ar)`, or "
                  "write `serialize(Archive& ar, Type& value)` beside a class that is not yours");
  } else if constexpr (HasBase<T>) {
    static_assert(!HasBase<T>, "cohort: an aggregate with a base class needs serialize(Archive&) to travel");
  } else if constexpr (field_count<T> > max_fields) {
    static_assert(field_count<T> == not_found || field_count<T> <= max_fields,
                  "cohort: this aggregate has more than 32 fields; give it serialize(Archive&)");
    static_assert(field_count<T> != not_found,
                  "cohort: the fields of this aggregate cannot be counted: it has a reference, a member that cannot be "
                  "copied from, or a long C array (use std::array); give it serialize(Archive&)");
  }
  return is_serializable<T>();
}

/// Does the same check for an argument or a result, which must be default constructible. (The elements of a container
/// are checked when they are written.)
template <class T>
constexpr bool check_value() {
  if constexpr (is_serializable<T>() || (HasCodec<T> && !refers_to_memory<T>)) {
    static_assert(std::is_default_constructible_v<T>,
                  "cohort: a type that travels needs a public default constructor: the receiver makes an object, then "
                  "reads it");
    return std::is_default_constructible_v<T>;
  } else {
    return check_serializable<T>();
  }
}

template <class T>
constexpr std::size_t min_size();

template <class T>
constexpr std::size_t fields_min_size() {
  using Sum = decltype(visit_fields(std::declval<T&>(), [](auto&... field) {
    return std::integral_constant<std::size_t,
                                  (std::size_t{0} + ... + min_size<std::remove_cvref_t<decltype(field)>>())>{};
  }));
  return Sum::value == 0 ? 1 : Sum::value;
}

inline constexpr std::size_t long_double_size = LDBL_MANT_DIG == 64 ? 10 : sizeof(long double);  // without padding

/// The smallest number of body bytes of a T.
template <class T>
constexpr std::size_t min_size() {
  if constexpr (std::is_same_v<T, long double>)
    return long_double_size;
  else if constexpr (is_number<T>)
    return sizeof(T);
  else if constexpr (bitwise<T>())
    return sizeof(T) < segment_threshold ? sizeof(T) : sizeof(std::uint64_t);
  else if constexpr (HasOwnCode<T>)
    return 1;
  else if constexpr (HasCodec<T>)
    return Codec<T>::min_size;
  else if constexpr (std::is_bounded_array_v<T>)
    return std::extent_v<T> * min_size<std::remove_extent_t<T>>();
  else if constexpr (is_plain_aggregate<T>())
    return fields_min_size<T>();
  else
    return 1;
}

template <class T>
void save_own_code(OutArchive& ar, const T& value) {
  OutArchive::Scope scope(ar, std::addressof(value), sizeof(T));
  const std::size_t begin = ar.position();
  if constexpr (MemberSerialize<T>)
    const_cast<T&>(value).serialize(ar);  // does not write to the value: one function serves both directions
  else if constexpr (FreeSerialize<T>)
    serialize(ar, const_cast<T&>(value));
  else if constexpr (MemberSaveLoad<T>)
    value.save(ar);
  else
    save(ar, value);
  if (ar.position() == begin) ar.write("", 1);
}

template <class T>
void load_own_code(InArchive& ar, T& value) {
  InArchive::Scope scope(ar, typeid(T));
  const std::size_t begin = ar.position();
  if constexpr (MemberSerialize<T>)
    value.serialize(ar);
  else if constexpr (FreeSerialize<T>)
    serialize(ar, value);
  else if constexpr (MemberSaveLoad<T>)
    value.load(ar);
  else
    load(ar, value);
  char nothing;
  if (ar.position() == begin) ar.read(&nothing, 1, typeid(T));
}

template <class T>
void save_value(OutArchive& ar, const T& value) {
  if constexpr (std::is_enum_v<T>) {
    save_value(ar, static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::is_same_v<T, long double>) {
    ar.write(&value, long_double_size);
  } else if constexpr (is_number<T>) {
    ar.write(&value, sizeof(T));
  } else if constexpr (bitwise<T>()) {
    if constexpr (sizeof(T) >= segment_threshold)
      ar.write_block(std::addressof(value), 1, sizeof(T));
    else
      ar.write(std::addressof(value), sizeof(T));
  } else if constexpr (HasOwnCode<T>) {
    save_own_code(ar, value);
  } else if constexpr (HasCodec<T>) {
    Codec<T>::save(ar, value);
  } else if constexpr (std::is_bounded_array_v<T>) {
    for (const auto& element : value) save_value(ar, element);
  } else if constexpr (check_serializable<T>()) {
    OutArchive::Scope scope(ar);
    if constexpr (field_count<T> == 0)
      ar.write("", 1);
    else
      visit_fields(value, [&ar](const auto&... field) { (save_value(ar, field), ...); });
  }
}

template <class T>
void load_value(InArchive& ar, T& value) {
  static_assert(!std::is_const_v<T>, "cohort: a const field cannot be received; drop the const or give load(Archive&)");
  if constexpr (std::is_same_v<T, bool>) {
    unsigned char byte;
    ar.read(&byte, 1, typeid(bool));
    if (byte > 1) ar.fail(typeid(bool), "a byte is neither 0 nor 1");
    value = byte != 0;
  } else if constexpr (std::is_enum_v<T>) {
    std::underlying_type_t<T> number;
    load_value(ar, number);
    value = static_cast<T>(number);
  } else if constexpr (std::is_same_v<T, long double>) {
    value = 0;
    ar.read(&value, long_double_size, typeid(T));
  } else if constexpr (is_number<T>) {
    ar.read(&value, sizeof(T), typeid(T));
  } else if constexpr (bitwise<T>()) {
    if constexpr (sizeof(T) >= segment_threshold) {
      const InArchive::Block block = ar.read_block(sizeof(T), typeid(T));
      if (block.count != 1) ar.fail(typeid(T), "a count is not 1");
      std::memcpy(static_cast<void*>(std::addressof(value)), block.data, sizeof(T));
    } else {
      ar.read(std::addressof(value), sizeof(T), typeid(T));
    }
  } else if constexpr (HasOwnCode<T>) {
    load_own_code(ar, value);
  } else if constexpr (HasCodec<T>) {
    Codec<T>::load(ar, value);
  } else if constexpr (std::is_bounded_array_v<T>) {
    for (auto& element : value) load_value(ar, element);
  } else if constexpr (check_serializable<T>()) {
    InArchive::Scope scope(ar, typeid(T));
    unsigned char nothing;
    if constexpr (field_count<T> == 0)
      ar.read(&nothing, 1, typeid(T));
    else
      visit_fields(value, [&ar](auto&... field) { (load_value(ar, field), ...); });
  }
}

}  // namespace detail
}  // namespace cohort

#include <cohort/detail/std_types.hpp>
