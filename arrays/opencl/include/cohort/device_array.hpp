#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <type_traits>
#include <utility>

#include <cohort/archive.hpp>
#include <cohort/box.hpp>
#include <cohort/detail/device_kind.hpp>
#include <cohort/nd_array.hpp>

namespace COHORT_EXPORT cohort {

/// A dense array in the memory of this process's OpenCL device (see opencl::use_device()), in C order. A copy has
/// elements of its own; a move is cheap, and leaves an empty array. T is float, double, bool, or an integer of 8 to 64
/// bits.
///
/// Copies between the host and the device are explicit: constructors, copy(), get() and put(). Expressions, as in
/// `c = 2.0 * a / b`, become one kernel, which is compiled when an expression of this shape is first computed. An
/// operation returns before the device has executed it; those that return numbers or an NdArray wait.
///
/// Integers and the operators + - * / and sqrt of floating-point numbers give what they give for an NdArray (on devices
/// that round float divisions correctly, as CPUs and current GPUs do), except that a division of an integer by zero is
/// no error. Other functions, such as sin, may differ in the last bits, and so may reductions, which combine the
/// elements in another order. An array that changes in another thread while it is used is a data race; different arrays
/// may be used at the same time by any threads.
///
/// As an argument or a result of a remote call it travels through the memory of the host, and arrives on the device of
/// the receiver. The sender needs memory for all elements on the host while they are sent; the receiver copies them to
/// the device from where they arrive.
///
/// All functions that make, copy or compute an array throw Error: if there is no device, if the device has too little
/// memory, if it does not compute with double and T is double, or if a kernel cannot be compiled or started. The arrays
/// are then as before, and the program can go on.
template <class T, std::size_t N>
class DeviceArray {
  static_assert(detail::DeviceElement<T>,
                "cohort: the elements of a DeviceArray are float, double, bool, or integers of 8 to 64 bits");

 public:
  using value_type = T;
  static constexpr std::size_t rank = N;

  DeviceArray() : extents_{} {}
  /// Elements of value T{}.
  explicit DeviceArray(const Extents<N>& extents) : DeviceArray(extents, T{}) {}
  DeviceArray(const Extents<N>& extents, const T& value) : DeviceArray(detail::Uninitialized(), extents) {
    detail::fill_on_device(memory_, &value, sizeof(T));
  }
  /// Copies the elements to the device.
  explicit DeviceArray(const NdArray<T, N>& host) : DeviceArray(detail::Uninitialized(), host.extents()) {
    detail::copy_to_device(memory_, host.data(), bytes());
  }
  DeviceArray(std::initializer_list<T> elements) requires(N == 1) : DeviceArray(NdArray<T, N>(elements)) {}
  /// Its rows.
  DeviceArray(std::initializer_list<std::initializer_list<T>> rows) requires(N == 2)
      : DeviceArray(NdArray<T, N>(rows)) {}
  /// The elements of an expression, `DeviceArray<double, 1> c = 2.0 * a / b`.
  template <detail::DeviceExpression<N> E>
  DeviceArray(const E& expression) : DeviceArray(detail::Uninitialized(), expression.extents()) {
    evaluate(expression);
  }
  DeviceArray(const DeviceArray& other)
      : extents_(other.extents_), memory_(detail::copy_on_device(type, other.memory_, other.bytes())) {}
  DeviceArray(DeviceArray&& other) noexcept
      : extents_(std::exchange(other.extents_, {})), memory_(std::move(other.memory_)) {}
  DeviceArray& operator=(DeviceArray other) noexcept {
    std::swap(extents_, other.extents_);
    std::swap(memory_, other.memory_);
    return *this;
  }
  /// Uses the memory that is there if the extents are equal.
  template <detail::DeviceExpression<N> E>
  DeviceArray& operator=(const E& expression) {
    if (expression.extents() != extents_) return *this = DeviceArray(expression);
    evaluate(expression);
    return *this;
  }
  /// For elements that are all written afterwards.
  DeviceArray(detail::Uninitialized, const Extents<N>& extents)
      : extents_(extents), memory_(detail::allocate_on_device(type, element_count(extents, sizeof(T)) * sizeof(T))) {}

  const Extents<N>& extents() const { return extents_; }
  std::size_t size() const { return element_count(extents_); }
  bool empty() const { return size() == 0; }

  /// Copies the elements to the host, and waits for that.
  NdArray<T, N> copy() const {
    NdArray<T, N> host(detail::Uninitialized(), extents_);
    detail::copy_from_device(memory_, host.data(), bytes());
    return host;
  }
  /// The same for the elements of a box. @throws Error if it is not inside the array.
  NdArray<T, N> get(const Box<N>& box) const {
    NdArray<T, N> host(detail::Uninitialized(), box.extents());
    detail::copy_box_from_device(memory_, sizeof(T), extents_, box.begin, box.end, host.data());
    return host;
  }
  /// Copies the elements of a box to the device. @throws Error if it is not inside the array, or if `values` has other
  /// extents.
  void put(const Box<N>& box, const NdArray<T, N>& values) {
    detail::check_same_extents("put", box.extents(), values.extents());
    detail::copy_box_to_device(memory_, sizeof(T), extents_, box.begin, box.end, values.data());
  }

  /// The same elements with other extents. @throws Error if it has another number of them.
  template <std::size_t M>
  DeviceArray<T, M> reshape(const std::size_t (&extents)[M]) const& {
    return reshape(std::to_array(extents));
  }
  template <std::size_t M>
  DeviceArray<T, M> reshape(const std::size_t (&extents)[M]) && {
    return std::move(*this).reshape(std::to_array(extents));
  }
  template <std::size_t M>
  DeviceArray<T, M> reshape(const Extents<M>& extents) const& {
    detail::check_reshape(extents_, extents);
    return DeviceArray(*this).reshape(extents);
  }
  template <std::size_t M>
  DeviceArray<T, M> reshape(const Extents<M>& extents) && {
    detail::check_reshape(extents_, extents);
    extents_ = {};
    return DeviceArray<T, M>(extents, std::move(memory_));
  }

  /// Whether they have equal extents and elements.
  friend bool operator==(const DeviceArray& a, const DeviceArray& b) {
    return a.extents_ == b.extents_ && count(detail::make_expression(std::not_equal_to<>(), a, b)) == 0;
  }

  /// Null without elements. See <cohort/opencl_native.hpp>.
  const detail::DeviceMemoryPointer& memory() const { return memory_; }

  template <class Archive>
  void save(Archive& archive) const {
    archive(extents_);
    const std::shared_ptr<T[]> elements(new T[size()]);  // the message owns it until it is sent
    detail::copy_from_device(memory_, elements.get(), bytes());
    archive.write_block(elements.get(), size(), sizeof(T), elements);
  }
  template <class Archive>
  void load(Archive& archive) {
    Extents<N> extents;
    archive(extents);
    const InArchive::Block block = archive.read_block(sizeof(T));
    if (block.count != element_count(extents, sizeof(T)))
      throw BadMessage("a DeviceArray with other extents than elements");
    DeviceArray array(detail::Uninitialized(), extents);
    detail::copy_to_device(array.memory_, block.data, array.bytes());
    *this = std::move(array);
  }

 private:
  template <class, std::size_t>
  friend class DeviceArray;
  static constexpr detail::ElementType type = detail::element_type<T>();

  DeviceArray(const Extents<N>& extents, detail::DeviceMemoryPointer memory)
      : extents_(extents), memory_(std::move(memory)) {}
  std::size_t bytes() const { return size() * sizeof(T); }
  template <class E>
  void evaluate(const E& expression) {
    detail::KernelBuilder builder(extents_);
    builder.evaluate(detail::text_of(builder, expression), type, memory_);
  }

  Extents<N> extents_;
  detail::DeviceMemoryPointer memory_;
};

}  // namespace cohort
