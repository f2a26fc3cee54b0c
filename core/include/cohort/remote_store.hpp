#pragma once

#include <memory>
#include <typeinfo>
#include <utility>

#include <cohort/detail/channels.hpp>
#include <cohort/detail/checked.hpp>
#include <cohort/error.hpp>
#include <cohort/remotecall.hpp>

namespace COHORT_EXPORT cohort {

/// A handle on an object that stays in one process, its owner; every process can call its member functions:
///
///   auto words = RemoteStore<Dictionary>::on(pid);
///   words.call<&Dictionary::put>("one", 1);
///
/// The functions run on pool threads of the owner, several at once: the class must have its own locks. A function that
/// waits should wait in a cohort function (a Channel, a Future): other functions run meanwhile. Copies are handles on
/// the same object, also in arguments and results; the object is freed with the last handle. Any thread may use it.
template <class Store>
class RemoteStore {
 public:
  RemoteStore() = default;  ///< an empty handle; assign a store to it before use
  /// Makes this process the owner of an object. @throws Error if `object` is null.
  explicit RemoteStore(std::shared_ptr<Store> object)
      : object_(detail::make_object(detail::checked(object, "pointer to the object of a RemoteStore"), typeid(Store))) {
  }

  /// Creates a `Store(arguments...)` on process `pid`. @throws as remotecall_fetch().
  template <class... A>
  static RemoteStore on(Pid pid, A&&... arguments) {
    return remotecall_fetch(
        [](auto&&... a) { return RemoteStore(std::make_shared<Store>(std::forward<decltype(a)>(a)...)); }, pid,
        std::forward<A>(arguments)...);
  }

  /// Calls a member function on the owner, waits, and returns its result. @throws as remotecall_fetch().
  template <auto Function, class... A>
  auto call(A&&... arguments) const {
    return call_with<Function>(WaitOptions{}, std::forward<A>(arguments)...);
  }
  /// Calls a member function as call(), but with a deadline or stop token:
  /// `words.call_with<&Dictionary::take>({.deadline = 5s}, "one")`. At the deadline the function is cancelled: from
  /// that moment its waits throw, and it takes nothing out of a Channel or RemoteChannel. If it has already taken
  /// something, this call waits until the function has ended, and returns its result late; so no item is lost. If the
  /// function computes and does not check for the cancellation, this call waits for it for half a second; a later
  /// result is lost.
  /// @throws also TimeoutError, CancelledException.
  template <auto Function, class... A>
  auto call_with(const WaitOptions& options, A&&... arguments) const {
    return detail::fetch_within(
        detail::GivingUp::with_last_word, options,
        [](const RemoteStore& store, auto&&... a) -> decltype(auto) {
          return ((*store.local()).*Function)(std::forward<decltype(a)>(a)...);
        },
        owner(), *this, std::forward<A>(arguments)...);
  }

  bool valid() const { return object_ != nullptr; }
  Pid owner() const { return detail::object_owner(*checked()); }
  /// Returns the object itself. @throws Error in processes other than its owner.
  std::shared_ptr<Store> local() const {
    return std::static_pointer_cast<Store>(detail::local_object(checked(), typeid(Store)));
  }

  friend bool operator==(const RemoteStore&, const RemoteStore&) = default;

  void save(OutArchive& archive) const {
    archive(object_ != nullptr);
    if (object_ != nullptr) archive(archive.add_reference(object_));
  }
  void load(InArchive& archive) {
    bool there = false;
    archive(there);
    object_ = there ? archive.take_reference() : nullptr;
  }

 private:
  const detail::ReferencePtr& checked() const { return detail::checked(object_, "RemoteStore"); }
  detail::ReferencePtr object_;
};

}  // namespace cohort
