#pragma once

#include <atomic>
#include <compare>
#include <memory>
#include <utility>

#include <cohort/error.hpp>
#include <cohort/types.hpp>

#include "remote/holding.hpp"

namespace cohort {

/// What a reference names; part of its id, so that whoever is sent one knows what handle to make.
enum class ReferenceKind : std::uint8_t { future, channel, object };

/// Names a remote value: the process that made the name, and a number that is unique there.
struct RefId {
  static constexpr int kind_shift = 56;

  Pid whence = no_pid;
  std::uint64_t id = 0;
  ReferenceKind kind() const { return static_cast<ReferenceKind>(id >> kind_shift); }
  auto operator<=>(const RefId&) const = default;
};

class References;

namespace detail {

/// What an archive can carry besides bytes: a counted handle on something that lives in one process, its owner. There
/// it is the thing itself. One in each process, shared by all handles.
struct Reference {
  Reference(std::shared_ptr<References> references, RefId ref_id, Pid owner_pid)
      : ref(ref_id), owner(owner_pid), references_(std::move(references)) {}
  Reference(const Reference&) = delete;
  Reference& operator=(const Reference&) = delete;
  /// Gives back to the owner what it counts for this process.
  virtual ~Reference();

  bool owned_here() const;
  /// The owner counts `n` more for this process, or fewer.
  void add_held(int n);

  /// While it lives, a message that makes the owner count may be on its way out, so nothing is given back.
  class Sending {
   public:
    explicit Sending(std::shared_ptr<Reference> reference);
    ~Sending();
    Sending(const Sending&) = delete;
    Sending& operator=(const Sending&) = delete;

   private:
    const std::shared_ptr<Reference> reference_;
  };

  /// Owner: bytes of values kept here.
  virtual std::size_t bytes() { return 0; }
  /// Owner: a process that held it, or that it watches, is gone. Loop or blocking thread.
  virtual void on_gone(Pid) {}

  const RefId ref;
  const Pid owner;

 protected:
  /// The value is in this process: gives back what the owner counts for it, now or after the last Sending. Without
  /// locks.
  void let_go();

  const std::shared_ptr<References> references_;

 private:
  void release(int count);

  template <class Change>
  void change_holding(Change change);

  std::atomic<Holding> holding_{Holding()};  // changed by change_holding()
};

/// @throws BadMessage when it is something else: the sender said so.
template <class T>
std::shared_ptr<T> reference_as(const std::shared_ptr<Reference>& reference) {
  auto cast = std::dynamic_pointer_cast<T>(reference);
  if (cast == nullptr) throw BadMessage("a reference to something else than was expected");
  return cast;
}

}  // namespace detail
}  // namespace cohort
