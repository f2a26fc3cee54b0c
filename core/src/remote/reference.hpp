#pragma once

#include <atomic>
#include <compare>
#include <memory>
#include <utility>

#include <cohort/error.hpp>
#include <cohort/types.hpp>

#include "remote/holding.hpp"

namespace cohort {

/// The kind of a remote value; part of its id, so that a receiver knows which handle to make.
enum class ReferenceKind : std::uint8_t { future, channel, object };

/// Identifies a remote value: the process that chose the id, and a number that is unique in that process.
struct RefId {
  static constexpr int kind_shift = 56;

  Pid whence = no_pid;
  std::uint64_t id = 0;
  ReferenceKind kind() const { return static_cast<ReferenceKind>(id >> kind_shift); }
  auto operator<=>(const RefId&) const = default;
};

class References;

namespace detail {

/// A counted handle on an object that lives in one process, its owner; an archive can contain it in addition to bytes.
/// In the owner it is the object itself. There is one in each process, shared by all handles.
struct Reference {
  Reference(std::shared_ptr<References> references, RefId ref_id, Pid owner_pid)
      : ref(ref_id), owner(owner_pid), references_(std::move(references)) {}
  Reference(const Reference&) = delete;
  Reference& operator=(const Reference&) = delete;
  /// Releases what the owner counts for this process.
  virtual ~Reference();

  bool owned_here() const;
  bool belongs_to(const References& references) const { return references_.get() == &references; }
  /// The owner counts `n` more for this process, or fewer.
  void add_held(int n);

  /// As long as it lives, a message that makes the owner count may not have been sent yet, so nothing is released.
  class Sending {
   public:
    explicit Sending(std::shared_ptr<Reference> reference);
    ~Sending();
    Sending(const Sending&) = delete;
    Sending& operator=(const Sending&) = delete;

   private:
    const std::shared_ptr<Reference> reference_;
  };

  /// In the owner: bytes of the values that are stored here.
  virtual std::size_t bytes() { return 0; }
  /// In the owner: called when a process that held it, or that it watches, is gone. Loop or blocking thread.
  virtual void on_gone(Pid) {}
  /// In the owner: called when the connection to a process that holds it has ended. Loop thread.
  virtual void on_disconnected(Pid) {}

  const RefId ref;
  const Pid owner;
  std::atomic<bool> listed{false};  ///< References knows it by its id

 protected:
  /// Call it when the value is in this process: releases what the owner counts for it, now or after the last Sending.
  /// Call it without locks.
  void let_go();

  const std::shared_ptr<References> references_;

 private:
  void release(int count);

  template <class Change>
  void change_holding(Change change);

  std::atomic<Holding> holding_{Holding()};  // changed by change_holding()
};

/// @throws BadMessage if the sender gave it another type.
template <class T>
std::shared_ptr<T> reference_as(const std::shared_ptr<Reference>& reference) {
  auto cast = std::dynamic_pointer_cast<T>(reference);
  if (cast == nullptr) throw BadMessage("a reference to something else than was expected");
  return cast;
}

}  // namespace detail
}  // namespace cohort
