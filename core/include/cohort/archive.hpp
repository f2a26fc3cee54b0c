#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include <cohort/bytes.hpp>
#include <cohort/error.hpp>

// Encodes values into payloads and decodes them. docs/protocol.md describes the bytes.
//
// These types can be sent without any code: numbers, enums, plain aggregates of up to 32 fields, and the containers and
// vocabulary types of the standard library. To make another class serializable, write one of these, as for cereal:
//
// clang-format off
//   // 1. A member function for both directions:
//   template <class Archive> void serialize(Archive& ar) { ar(first_, second_); }
//
//   // 2. The same as a free function in the namespace of the class:
//   template <class Archive> void serialize(Archive& ar, Type& value) { ar(value.first, value.second); }
//
//   // 3. Two member functions, one for each direction:
//   template <class Archive> void save(Archive& ar) const;
//   template <class Archive> void load(Archive& ar);
//
//   // 4. The same as free functions in the namespace of the class:
//   template <class Archive> void save(Archive& ar, const Type& value);
//   template <class Archive> void load(Archive& ar, Type& value);
// clang-format on
//
// A type that is sent must have a public default constructor, because the receiver makes an object and then reads it.
// An aggregate that has a base class, or more than 32 fields, needs one of these functions.

namespace COHORT_EXPORT cohort {

static_assert(std::endian::native == std::endian::little, "the wire format is the memory of a little-endian machine");

/// Contiguous ranges of at least this many bytes are sent as segments, which the sender does not copy.
inline constexpr std::size_t segment_threshold = 16 * 1024;

class OutArchive;
class InArchive;

namespace detail {
inline constexpr std::uint64_t segment_mark = std::uint64_t{1} << 63;  // set in the count of a range sent as segment
inline constexpr int max_depth = 64;                                   // of values inside of values
inline constexpr std::size_t max_segments = 0xffff;                    // what a frame can say
inline constexpr std::size_t max_references = 0xffff;

template <class T>
void save_value(OutArchive& ar, const T& value);
template <class T>
void load_value(InArchive& ar, T& value);
template <class T>
inline constexpr bool is_number = std::is_arithmetic_v<T> || std::is_enum_v<T>;
}  // namespace detail

/// Writes values into a payload. Only one thread at a time may use it.
///
/// Large arrays are not copied: the payload refers to the memory of the value. This holds for the arguments of
/// operator() and all their fields. Exception: if a class's own serialize() or save() writes an array that is not
/// inside the object (it might be a local variable), the array is copied.
class OutArchive {
 public:
  using is_saving = std::true_type;
  using is_loading = std::false_type;

  /// @param keep_alive owner of all values that will be written; it becomes the owner of the segments. Null: segments
  /// are borrowed: the values must outlive the payload, or Payload::own() must be called before they are destroyed.
  explicit OutArchive(Payload& payload, std::shared_ptr<const void> keep_alive = nullptr)
      : payload_(payload), body_(payload.body), keep_alive_(std::move(keep_alive)) {}
  OutArchive(const OutArchive&) = delete;
  OutArchive& operator=(const OutArchive&) = delete;

  template <class... T>
  OutArchive& operator()(const T&... values) {
    (save_argument(values), ...);
    return *this;
  }
  template <class T>
  OutArchive& operator&(const T& value) {
    return (*this)(value);
  }

  /// Writes raw bytes into the body.
  void write(const void* data, std::size_t size) { body_.append(data, size); }
  void write_size(std::uint64_t size) { body_.append(&size, sizeof(size)); }
  /// Adds bytes that are sent outside the body, in the order of the calls. They are not copied, see above.
  void add_segment(const void* data, std::size_t size);
  void add_segment(const void* data, std::size_t size, std::shared_ptr<const void> owner);
  /// Adds a reference, but writes nothing. @return its index; the caller must write it, and take_reference() reads it.
  std::uint32_t add_reference(std::shared_ptr<detail::Reference> reference);

  /// Writes a count and the memory of `count` elements, as a segment if it is large.
  /// @param owner keeps `data` alive; null: the value that is being written does.
  void write_block(const void* data, std::size_t count, std::size_t element_size,
                   const std::shared_ptr<const void>& owner = nullptr) {
    const std::size_t size = count * element_size;
    if (size >= segment_threshold && payload_.segments.size() < detail::max_segments)
      return write_large_block(data, count, size, owner);
    write_size(count);
    write(data, size);
  }

  /// Adds one level of nesting as long as it lives. `object` is the object whose own code runs, or null.
  class Scope {
   public:
    explicit Scope(OutArchive& ar, const void* object = nullptr, std::size_t size = 0)
        : ar_(ar), object_(ar.object_), object_size_(ar.object_size_) {
      if (++ar_.depth_ > detail::max_depth) ar_.fail_depth();
      if (object == nullptr) return;
      ar_.object_ = static_cast<const std::byte*>(object);
      ar_.object_size_ = size;
    }
    ~Scope() {
      --ar_.depth_;
      ar_.object_ = object_;
      ar_.object_size_ = object_size_;
    }

   private:
    OutArchive& ar_;
    const std::byte* object_;
    std::size_t object_size_;
  };

  std::size_t position() const noexcept { return body_.size(); }

 private:
  template <class T>
  void save_argument(const T& value) {
    if constexpr (detail::is_number<T>) {
      detail::save_value(*this, value);
    } else {
      const bool copying = copying_;
      copying_ = copying || !lies_inside_object(std::addressof(value), sizeof(value));
      detail::save_value(*this, value);
      copying_ = copying;
    }
  }
  bool lies_inside_object(const void* value, std::size_t size) const {
    if (object_ == nullptr) return true;
    const auto offset = reinterpret_cast<std::uintptr_t>(value) - reinterpret_cast<std::uintptr_t>(object_);
    return offset <= object_size_ && size <= object_size_ - offset;
  }
  void write_large_block(const void* data, std::size_t count, std::size_t size,
                         const std::shared_ptr<const void>& owner);
  [[noreturn]] void fail_depth();

  Payload& payload_;
  Bytes& body_;
  std::shared_ptr<const void> keep_alive_;
  const std::byte* object_ = nullptr;  // whose own code is running, if any
  std::size_t object_size_ = 0;
  bool copying_ = false;  // the value may be a local variable of such code: segments must be copies
  int depth_ = 0;
};

/// Reads values from a payload that is not trusted. If something does not match, it throws BadMessage with the position
/// and the C++ type. Only one thread at a time may use it; the payload must outlive the archive.
class InArchive {
 public:
  using is_saving = std::false_type;
  using is_loading = std::true_type;

  explicit InArchive(const Payload& payload)
      : payload_(payload), cursor_(payload.body.begin()), end_(payload.body.end()) {}
  /// For a payload that nobody reads again: finish() lets go of its segments, so that a value that shares the memory of
  /// one has it alone. The payload must outlive the archive all the same.
  explicit InArchive(Payload&& payload) : InArchive(std::as_const(payload)) { emptied_ = &payload; }
  InArchive(const InArchive&) = delete;
  InArchive& operator=(const InArchive&) = delete;

  template <class... T>
  InArchive& operator()(T&... values) {
    (detail::load_value(*this, values), ...);
    return *this;
  }
  template <class T>
  InArchive& operator&(T& value) {
    return (*this)(value);
  }

  /// Reads raw bytes from the body.
  void read(void* data, std::size_t size) { read(data, size, *type_); }
  /// Reads a number of elements. @param min_element_bytes least size of one element, at least 1: so many elements must
  /// fit into the remaining bytes, including segments.
  std::uint64_t read_size(std::size_t min_element_bytes) { return read_size(min_element_bytes, *type_); }
  /// Returns the next segment, which must have this size.
  const Segment& read_segment(std::size_t size);
  /// Reads an index from the body, and returns the reference with this index. Each can be taken only once.
  std::shared_ptr<detail::Reference> take_reference();
  /// The result of OutArchive::write_block(). The bytes are not copied.
  struct Block {
    const std::byte* data;
    std::size_t count;
    const Segment* segment;  ///< null: the bytes are in the body
  };
  Block read_block(std::size_t element_size) { return read_block(element_size, *type_); }
  /// Checks that everything was read. @throws BadMessage if bytes of the body or segments are left.
  void finish();

  /// Number of bytes of the body that are not yet read.
  std::size_t left() const noexcept { return static_cast<std::size_t>(end_ - cursor_); }
  std::size_t position() const noexcept { return static_cast<std::size_t>(cursor_ - payload_.body.begin()); }

  // The functions above, with the type to name in errors.
  std::uint64_t read_size(std::size_t min_element_bytes, const std::type_info& type);
  Block read_block(std::size_t element_size, const std::type_info& type);
  void read(void* data, std::size_t size, const std::type_info& type) {
    if (size > left()) fail_short(type, size);
    if (size != 0) std::memcpy(data, cursor_, size);
    cursor_ += size;
  }
  /// @throws BadMessage "<problem>" with the position, and the types that are being read.
  [[noreturn]] void fail(const std::type_info& type, const char* problem) const;

  /// As long as it lives, errors say that a value of `type` is being read, one level deeper.
  class Scope {
   public:
    Scope(InArchive& ar, const std::type_info& type) : ar_(ar), outer_(std::exchange(ar.type_, &type)) {
      if (++ar_.depth_ > detail::max_depth) ar_.fail(type, "values are nested more than 64 deep");
    }
    ~Scope() {
      ar_.type_ = outer_;
      --ar_.depth_;
    }

   private:
    InArchive& ar_;
    const std::type_info* outer_;
  };

 private:
  [[noreturn]] void fail_short(const std::type_info& type, std::size_t wanted) const;

  const Payload& payload_;
  Payload* emptied_ = nullptr;  // by finish()
  const std::byte* cursor_;
  const std::byte* end_;
  std::size_t next_segment_ = 0;
  std::vector<bool> taken_;  // references; empty until the first is taken
  const std::type_info* type_ = &typeid(void);
  int depth_ = 0;
};

}  // namespace cohort

#include <cohort/detail/codec.hpp>

namespace COHORT_EXPORT cohort {

/// Types that can be sent. Checks the elements of standard containers, but not the members of classes.
template <class T>
concept Serializable = detail::is_serializable<std::remove_cvref_t<T>>();

/// Encodes the value; large arrays are borrowed from `value`, see Payload::own().
template <class T>
Payload encode(const T& value) {
  Payload payload;
  OutArchive ar(payload);
  ar(value);
  return payload;
}

/// Encodes a temporary; its large arrays are copied.
template <class T>
requires(!std::is_lvalue_reference_v<T>) Payload encode(T&& value) {
  Payload payload = encode(static_cast<const T&>(value));
  payload.own();
  return payload;
}

/// Decodes a value. @throws BadMessage if the payload is not exactly one T.
template <class T>
T decode(const Payload& payload) {
  static_assert(detail::check_value<T>());
  InArchive ar(payload);
  T value{};
  ar(value);
  ar.finish();
  return value;
}

}  // namespace cohort
