#pragma once

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <cohort/box.hpp>
#include <cohort/detail/checked.hpp>
#include <cohort/detail/members.hpp>
#include <cohort/detail/shared_memory.hpp>
#include <cohort/everywhere.hpp>
#include <cohort/nd_array.hpp>

namespace COHORT_EXPORT cohort {

struct SharedArrayOptions {
  /// The processes that work on the array, in order; empty: all workers on the host of this process, or this process if
  /// there is none.
  std::vector<Pid> pids = {};
};

struct SharedFileOptions {
  FileMode mode = FileMode::read_write;
  std::size_t offset = 0;  ///< of the first element in the file, in bytes
  std::vector<Pid> pids = {};
};

/// An array in a memory that all processes of one host see: what one of them writes, the others read. It travels as a
/// name. Access to elements is as fast as to other memory, and not synchronized: processes that write to the same
/// element at the same time race, as threads do. Copies of the object are handles on the same array, whose memory is
/// freed with the last handle in any process.
///
///     cohort::SharedArray<int, 2> m({3, 4}, [](cohort::SharedArray<int, 2>& part) {
///       for (const std::size_t i : part.local_indices()) part[i] = cohort::myid();
///     });
template <class T, std::size_t N>
class SharedArray {
 public:
  static_assert(std::is_trivially_copyable_v<T>,
                "cohort: the elements of a SharedArray are plain data (trivially copyable), without pointers");
  using value_type = T;
  static constexpr std::size_t rank = N;

  SharedArray() = default;  ///< an empty handle; assign an array to it before use
  /// An array of zeros, which is mapped by `options.pids`. @throws Error if there is no memory for it, or a process is
  /// on another host; what the processes throw that cannot map it.
  explicit SharedArray(const Extents<N>& extents, const SharedArrayOptions& options = {})
      : SharedArray(detail::SharedMemory::create(element_count(extents, sizeof(T)) * sizeof(T)), extents,
                    detail::processes_of_host(options.pids)) {
    map_everywhere();
  }
  /// Calls `init(array)` on each of its processes, on all at the same time, before it returns. @throws also
  /// CompositeException with what init threw.
  template <class F>
  requires std::invocable<F&, SharedArray&> SharedArray(const Extents<N>& extents, F init,
                                                        const SharedArrayOptions& options = {})
      : SharedArray(detail::SharedMemory::create(element_count(extents, sizeof(T)) * sizeof(T)), extents,
                    detail::processes_of_host(options.pids)) {
    const bool by_master = map_everywhere();
    detail::everywhere_of_members(by_master, pids_, Initialising<F>{{std::move(init)}}, *this);
  }
  /// The elements are in a file, in which they stay. @throws Error with the path.
  static SharedArray map_file(const std::string& path, const Extents<N>& extents,
                              const SharedFileOptions& options = {}) {
    SharedArray array(detail::SharedMemory::map_file(path, options.mode, options.offset,
                                                     element_count(extents, sizeof(T)) * sizeof(T), alignof(T)),
                      extents, detail::processes_of_host(options.pids));
    array.map_everywhere();
    return array;
  }

  bool valid() const { return memory_ != nullptr; }
  const Extents<N>& extents() const { return extents_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  /// @throws Error for an empty handle, as span(), begin() and end().
  T* data() const {
    detail::checked(memory_, "SharedArray");
    return data_;
  }
  std::span<T> span() const { return {data(), size_}; }
  T* begin() const { return data(); }
  T* end() const { return data() + size_; }

  /// Not checked.
  T& operator[](std::size_t place) const { return data_[place]; }
  template <std::convertible_to<std::size_t>... I>
  requires(sizeof...(I) == N) T& operator()(I... index) const {
    return data_[place_of<N>({static_cast<std::size_t>(index)...}, extents_)];
  }
  /// @throws Error for an index that is outside.
  T& at(const Index<N>& index) const {
    T* const elements = data();
    if (!Box<N>::all(extents_).contains(index)) detail::fail_outside(index, extents_);
    return elements[place_of(index, extents_)];
  }

  /// The processes that work on it.
  const std::vector<Pid>& pids() const { return pids_; }
  /// Where this process is among pids(); nothing if it is not there.
  std::optional<std::size_t> index_pid() const {
    const auto found = std::find(pids_.begin(), pids_.end(), myid());
    if (found == pids_.end()) return std::nullopt;
    return static_cast<std::size_t>(found - pids_.begin());
  }
  /// This process's part: each of pids() has as many places, and the last one what is left over; if there are fewer
  /// places than processes, each of the first has one, as in Julia's SharedArrays. Empty for other processes.
  IndexRange local_indices() const {
    std::size_t from = 0, to = 0;
    if (const auto index = index_pid()) {
      const std::size_t each = std::max<std::size_t>(1, size_ / pids_.size());
      const bool last = *index + 1 == pids_.size();
      from = std::min(*index * each, size_);
      to = last ? size_ : std::min(from + each, size_);
    }
    return {from, to};
  }
  std::span<T> local_span() const {
    const auto indices = local_indices();
    return indices.empty() ? std::span<T>() : span().subspan(*indices.begin(), indices.size());
  }

  /// Another handle on the same elements. @throws Error if it has another number of them.
  template <std::size_t M>
  SharedArray<T, M> reshape(const std::size_t (&extents)[M]) const {
    return reshape(std::to_array(extents));
  }
  template <std::size_t M>
  SharedArray<T, M> reshape(const Extents<M>& extents) const {
    detail::check_reshape(extents_, extents);
    return SharedArray<T, M>(keeper_, detail::checked(memory_, "SharedArray"), extents, pids_);
  }
  /// A copy in the memory of this process.
  NdArray<T, N> copy() const {
    NdArray<T, N> result(extents_);
    std::copy(begin(), end(), result.begin());
    return result;
  }
  /// Releases this handle.
  void close() { *this = SharedArray(); }

  void save(OutArchive& archive) const {
    archive(keeper_, extents_, pids_, memory_ == nullptr ? detail::SharedMemoryName() : memory_->name());
  }
  /// Maps it. @throws Error on another host.
  void load(InArchive& archive) {
    RemoteStore<detail::SharedMemoryKeeper> keeper;
    Extents<N> extents{};
    std::vector<Pid> pids;
    detail::SharedMemoryName name;
    archive(keeper, extents, pids, name);
    if (name.host.empty()) {
      *this = SharedArray();
      return;
    }
    if (element_count(extents, sizeof(T)) * sizeof(T) != name.bytes)
      throw BadMessage("a SharedArray with other extents than elements");
    *this = SharedArray(std::move(keeper), detail::SharedMemory::open(name), extents, std::move(pids));
  }

 private:
  template <class, std::size_t>
  friend class SharedArray;
  template <class F>
  struct Initialising {
    [[no_unique_address]] detail::Portable<F> init;
    void operator()(SharedArray array) { init.function(array); }
    template <class Archive>
    void serialize(Archive& archive) {
      archive(init);
    }
  };

  SharedArray(std::shared_ptr<detail::SharedMemory> memory, const Extents<N>& extents, std::vector<Pid> pids)
      : SharedArray(RemoteStore<detail::SharedMemoryKeeper>(std::make_shared<detail::SharedMemoryKeeper>(memory, pids)),
                    memory, extents, pids) {}
  SharedArray(RemoteStore<detail::SharedMemoryKeeper> keeper, std::shared_ptr<detail::SharedMemory> memory,
              const Extents<N>& extents, std::vector<Pid> pids)
      : keeper_(std::move(keeper)),
        memory_(std::move(memory)),
        data_(reinterpret_cast<T*>(memory_->data())),
        extents_(extents),
        size_(element_count(extents, sizeof(T))),
        pids_(std::move(pids)) {}

  /// @return whether the master had to pass the calls on, because the topology does not connect the processes.
  bool map_everywhere() const {
    const auto map = [](const SharedArray& array) { detail::keep_mapped(array.memory_); };
    try {
      everywhere(pids_, map, *this);
      return false;
    } catch (const CompositeException& failures) {
      if (!detail::has_unconnected(failures)) throw;
    }
    detail::everywhere_of_members(true, pids_, map, *this);
    return true;
  }

  RemoteStore<detail::SharedMemoryKeeper> keeper_;
  std::shared_ptr<detail::SharedMemory> memory_;  // null: an empty handle
  T* data_ = nullptr;
  Extents<N> extents_{};
  std::size_t size_ = 0;
  std::vector<Pid> pids_;
};

namespace detail {

template <class T, std::size_t N>
struct ArrayTraits<SharedArray<T, N>> : ArrayTraits<NdArray<T, N>> {};

}  // namespace detail
}  // namespace cohort
