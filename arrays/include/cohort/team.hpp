#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include <cohort/archive.hpp>
#include <cohort/function.hpp>
#include <cohort/types.hpp>
#include <cohort/wait_options.hpp>

namespace cohort::detail {
class TeamMailbox;
}

namespace COHORT_EXPORT cohort {

namespace detail {

class RankScope;

/// Unique among all clusters.
struct TeamId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  auto operator<=>(const TeamId&) const = default;
};

struct TeamStart {
  TeamId id{};
  Pid caller = no_pid;
  std::vector<Pid> pids;
};

/// Whether all values of the type are small.
template <class T>
inline constexpr bool is_small = sizeof(T) <= 64 && (bitwise<T>() || std::is_same_v<T, bool>);

/// The value of a reduction on one rank, for those who do not know its type.
class Reducing {
 public:
  virtual ~Reducing();
  virtual bool small() const = 0;                                          ///< by its type
  virtual Payload encoded() const = 0;                                     ///< segments are borrowed from the value
  virtual void append(const Payload& right) = 0;                           ///< value = op(value, right)
  virtual void prepend(const Payload& left) = 0;                           ///< value = op(left, value)
  virtual void replace(const Payload& received) = 0;                       ///< value = received
  virtual Payload reduced(const Payload& left, const Payload& right) = 0;  ///< op(left, right), of two others
};

template <class Op, class T>
class ReducingValue final : public Reducing {
 public:
  ReducingValue(Op& op, T&& first) : value(std::move(first)), op_(op) {}
  bool small() const override { return is_small<T>; }
  Payload encoded() const override { return encode(value); }
  void append(const Payload& right) override { value = static_cast<T>(op_(std::move(value), decode<T>(right))); }
  void prepend(const Payload& left) override { value = static_cast<T>(op_(decode<T>(left), std::move(value))); }
  void replace(const Payload& received) override { value = decode<T>(received); }
  Payload reduced(const Payload& left, const Payload& right) override {
    T both = static_cast<T>(op_(decode<T>(left), decode<T>(right)));
    Payload payload = encode(std::as_const(both));
    payload.own();
    return payload;
  }

  T value;

 private:
  Op& op_;
};

/// Encodes one value; large arrays are borrowed from it.
template <class T>
Payload encode_part(const T& value) {
  Payload payload;
  OutArchive archive(payload);
  encode_argument<serialized_as_t<T>>(archive, value);
  return payload;
}

/// The part of a vector that belongs to a rank: the lengths of the parts differ by at most one, the first are longer.
struct Slice {
  Slice(std::size_t all, int rank, int size)
      : total(all),
        begin(all / count(size) * count(rank) + std::min(all % count(size), count(rank))),
        length(all / count(size) + (count(rank) < all % count(size) ? 1 : 0)) {}
  static std::size_t count(int number) { return static_cast<std::size_t>(number); }
  std::size_t total;
  std::size_t begin;
  std::size_t length;
};

template <class T>
inline constexpr bool is_block = bitwise<T>() && !std::is_same_v<T, bool>;

/// Encodes the length of the vector and one part of it; a large one is borrowed.
template <class T>
Payload encode_slice(const std::vector<T>& values, const Slice& slice) {
  Payload payload;
  OutArchive archive(payload);
  archive.write_size(slice.total);
  if constexpr (is_block<T>) {
    archive.write_block(values.data() + slice.begin, slice.length, sizeof(T));
  } else {
    archive.write_size(slice.length);
    for (std::size_t i = 0; i < slice.length; i++) archive(static_cast<const T&>(values[slice.begin + i]));
  }
  return payload;
}

template <class T>
struct DecodedSlice {
  std::uint64_t total = 0;
  std::vector<T> values;

  explicit DecodedSlice(const Payload& payload) {
    InArchive archive(payload);
    archive(total);
    if constexpr (is_block<T>) {
      archive(values);
    } else {
      const auto length = archive.read_size(1);
      for (std::uint64_t i = 0; i < length; i++) values.push_back(load_new<T>(archive));
    }
    archive.finish();
  }
};

[[noreturn]] void fail_lengths_differ(std::size_t rank, std::size_t its, int own_rank, std::size_t own);

}  // namespace detail

/// What a function that spmd() runs has of its *rank*: who it is, and how it exchanges values with the other ranks.
///
/// *Collective* functions (barrier() and all below it) are called by all ranks, in the same order and with the same
/// `root`. If ranks call different ones, they throw Error with both names. Their messages never mix with those of
/// send(). Values travel as arguments of a call do. All functions throw
///
/// * Error "rank 1 ... failed ..." if the function of another rank has thrown or its process has ended, if the rank for
///   which this one waits has ended, if the ranks call different collectives, or if the type of a value that arrives is
///   not the one that is wanted;
/// * InterruptedException if the call is interrupted or cancelled, and TimeoutError and CancelledException by
///   `options`, the last argument of all that wait. A receive can be repeated after that. A collective cannot: the team
///   has failed, and all waits of all ranks fail.
///
/// While a rank waits, its process can run other functions. send() and receive() may be used by several threads at the
/// same time, collectives by one at a time, and all only until the function of the rank ends.
class Team {
 public:
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  /// The number of this rank, from 0.
  int rank() const noexcept { return rank_; }
  int size() const noexcept { return static_cast<int>(pids_.size()); }
  /// The processes of the team: the one of rank r is pids()[r].
  const std::vector<Pid>& pids() const noexcept { return pids_; }

  /// Sends a value to a rank, which may be this one, and does not wait until it is received: what a slow rank has not
  /// received is stored there. Values with the same tag from one rank are received in the order in which they were
  /// sent. What is sent to a rank that has ended is dropped.
  /// @throws also Error if there is no such rank, or if the value cannot be sent; in the second case the team fails.
  template <class T>
  void send(const T& value, int to_rank, int tag = 0) {
    if constexpr (detail::check_value<detail::serialized_as_t<T>>())
      send_payload(detail::encode_part(value), typeid(detail::serialized_as_t<T>), to_rank, tag);
  }
  /// Waits for a value that this rank has sent with this tag, and returns it. Values with other tags, and those of
  /// other ranks, stay for later. A value of another type is removed, and is an Error.
  template <class T>
  T receive(int from_rank, int tag = 0, const WaitOptions& options = {}) {
    return decode<T>(receive_payload(from_rank, tag, typeid(T), options));
  }
  /// Waits for a value that any rank has sent with this tag. @return the rank, and the value that came first.
  template <class T>
  std::pair<int, T> receive_any(int tag = 0, const WaitOptions& options = {}) {
    auto [from, payload] = receive_any_payload(tag, typeid(T), options);
    return {from, decode<T>(payload)};
  }

  /// Waits until all ranks have called it.
  void barrier(const WaitOptions& options = {});

  /// Gives the value of `root` to all ranks, along a tree. The value of the others is not used; its type must be the
  /// same. The root does not wait until the others have it. @return the value of `root`.
  template <class T>
  T broadcast(T value, int root = 0, const WaitOptions& options = {}) {
    if (rank_ == root) {
      broadcast_payload(encode(std::as_const(value)), typeid(T), root, options);
      return value;
    }
    return decode<T>(broadcast_payload({}, typeid(T), root, options));
  }

  /// Cuts the vector of `root` into a part for each rank: in order, with lengths that differ by at most one, the first
  /// ones longer. The vectors of the others are not used. @return the part of this rank.
  template <class T>
  std::vector<T> scatter(const std::vector<T>& values, int root = 0, const WaitOptions& options = {}) {
    std::vector<Payload> parts;
    if (rank_ == root) parts = slices(values);
    return detail::DecodedSlice<T>(scatter_payloads(std::move(parts), typeid(std::vector<T>), root, options)).values;
  }

  /// Collects a value of each rank at `root`. @return there, the values in the order of the ranks; elsewhere, nothing.
  template <class T>
  auto gather(const T& value, int root = 0, const WaitOptions& options = {}) {
    using Value = detail::serialized_as_t<T>;
    return values_of<Value>(gather_payloads(detail::encode_part(value), typeid(Value), root, options));
  }
  /// Collects a value of each rank at every rank. @return the values in the order of the ranks.
  template <class T>
  auto all_gather(const T& value, const WaitOptions& options = {}) {
    using Value = detail::serialized_as_t<T>;
    return values_of<Value>(all_gather_payloads(detail::encode_part(value), typeid(Value), options));
  }

  /// Reduces the values of all ranks to one at `root`, along a tree: op(op(v0, v1), op(v2, v3)) ... in the order of the
  /// ranks. `op` is called as op(T, T), and must be associative, but need not be commutative; it may be any callable.
  /// How the values are grouped depends only on the number of ranks, so that the result is the same each time, down to
  /// the last bit. @return at `root`, the result; elsewhere, nothing.
  template <class Op, class T>
  std::optional<T> reduce(Op op, T value, int root = 0, const WaitOptions& options = {}) {
    detail::ReducingValue<Op, T> reduced(op, std::move(value));
    reduce_value(reduced, typeid(T), root, options);
    if (rank_ != root) return std::nullopt;
    return std::move(reduced.value);
  }
  /// Does reduce(), and gives the result to all ranks: the same bits to each.
  template <class Op, class T>
  T all_reduce(Op op, T value, const WaitOptions& options = {}) {
    detail::ReducingValue<Op, T> reduced(op, std::move(value));
    all_reduce_value(reduced, typeid(T), options);
    return std::move(reduced.value);
  }
  /// Reduces vectors of the same length, element by element, as all_reduce() would, and cuts the result as scatter()
  /// does. Each rank reduces its part. @return the part of this rank. @throws also Error if the lengths differ.
  template <class Op, class T>
  std::vector<T> reduce_scatter(Op op, const std::vector<T>& values, const WaitOptions& options = {}) {
    const auto received = exchange_payloads(slices(values), typeid(std::vector<T>), options);
    std::vector<std::vector<T>> parts;
    for (std::size_t i = 0; i < received.size(); i++) {
      detail::DecodedSlice<T> slice(received[i]);
      if (slice.total != values.size()) detail::fail_lengths_differ(i, slice.total, rank_, values.size());
      parts.push_back(std::move(slice.values));
    }
    for (std::size_t step = 1; step < parts.size(); step *= 2)
      for (std::size_t i = 0; i + step < parts.size(); i += 2 * step)
        for (std::size_t j = 0; j < parts[i].size(); j++)
          parts[i][j] = static_cast<T>(op(std::move(parts[i][j]), std::move(parts[i + step][j])));
    return std::move(parts.front());
  }
  /// @return the reduction of the values of the ranks 0 to this one, this one included, in their order. `op` as for
  /// reduce().
  template <class Op, class T>
  T scan(Op op, T value, const WaitOptions& options = {}) {
    detail::ReducingValue<Op, T> reduced(op, std::move(value));
    scan_value(reduced, typeid(T), options);
    return std::move(reduced.value);
  }

 private:
  friend class detail::RankScope;
  Team(std::shared_ptr<detail::TeamMailbox> mailbox, int rank, const std::vector<Pid>& pids);

  template <class T>
  std::vector<Payload> slices(const std::vector<T>& values) const {
    std::vector<Payload> parts;
    for (int i = 0; i < size(); i++) parts.push_back(detail::encode_slice(values, {values.size(), i, size()}));
    return parts;
  }
  template <class T>
  static std::vector<T> values_of(const std::vector<Payload>& received) {
    std::vector<T> values;
    values.reserve(received.size());
    for (const Payload& each : received) values.push_back(decode<T>(each));
    return values;
  }

  // Segments of what is sent may be borrowed, and are not needed after the call.
  void send_payload(Payload value, const std::type_info& type, int to, int tag);
  Payload receive_payload(int from, int tag, const std::type_info& type, const WaitOptions& options);
  std::pair<int, Payload> receive_any_payload(int tag, const std::type_info& type, const WaitOptions& options);
  /// Returns what this rank has received; at the root, nothing.
  Payload broadcast_payload(Payload value, const std::type_info& type, int root, const WaitOptions& options);
  /// Takes a part for each rank at the root, nothing elsewhere.
  Payload scatter_payloads(std::vector<Payload> parts, const std::type_info& type, int root,
                           const WaitOptions& options);
  /// The next three return one for each rank, that of this rank included; the first one only at the root.
  std::vector<Payload> gather_payloads(Payload value, const std::type_info& type, int root, const WaitOptions& options);
  std::vector<Payload> all_gather_payloads(Payload value, const std::type_info& type, const WaitOptions& options);
  std::vector<Payload> exchange_payloads(std::vector<Payload> parts, const std::type_info& type,
                                         const WaitOptions& options);
  void reduce_value(detail::Reducing& value, const std::type_info& type, int root, const WaitOptions& options);
  void all_reduce_value(detail::Reducing& value, const std::type_info& type, const WaitOptions& options);
  void scan_value(detail::Reducing& value, const std::type_info& type, const WaitOptions& options);

  const std::shared_ptr<detail::TeamMailbox> mailbox_;
  const int rank_;
  const std::vector<Pid> pids_;
};

}  // namespace cohort
