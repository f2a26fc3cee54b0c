#pragma once

#include <memory>
#include <typeinfo>
#include <utility>

#include <cohort/detail/channels.hpp>
#include <cohort/detail/checked.hpp>
#include <cohort/error.hpp>
#include <cohort/remotecall.hpp>

namespace cohort {

/// A handle on an object that stays in one process, its owner; every process can call its functions:
///
///   auto words = RemoteStore<Dictionary>::on(pid);
///   words.call<&Dictionary::put>("one", 1);
///
/// The functions run on the owner, on pool threads, several at once: the class brings its own locks. One that waits
/// should do so by a cohort function (a Channel, a Future), which gives the thread's slot away. Copies are handles on
/// the same object, in arguments and results too; it goes with the last. Any thread.
template <class Store>
class RemoteStore {
 public:
  RemoteStore() = default;  ///< no object at all; only to be assigned to
  /// Makes this process the owner of an object. @throws Error `object` is null.
  explicit RemoteStore(std::shared_ptr<Store> object)
      : object_(detail::make_object(detail::checked(object, "pointer to the object of a RemoteStore"), typeid(Store))) {
  }

  /// Makes a `Store(arguments...)` on process `pid`. @throws as remotecall_fetch.
  template <class... A>
  static RemoteStore on(Pid pid, A&&... arguments) {
    return remotecall_fetch(
        [](auto&&... a) { return RemoteStore(std::make_shared<Store>(std::forward<decltype(a)>(a)...)); }, pid,
        std::forward<A>(arguments)...);
  }

  /// Calls a member function on the owner and waits for what it returns. @throws as remotecall_fetch.
  template <auto Function, class... A>
  auto call(A&&... arguments) const {
    return call_with<Function>(WaitOptions{}, std::forward<A>(arguments)...);
  }
  /// The same, but it may give up: `words.call_with<&Dictionary::take>({.deadline = 5s}, "one")`. The function is
  /// called off then: from that moment its waits throw, and it takes nothing out of a Channel or RemoteChannel. If it
  /// has done so before, it succeeds, though late: its end is waited for. So what another call puts is lost to nobody.
  /// A function that computes, and does not look whether it is called off, is waited for half a second; what it returns
  /// after that is lost. @throws also TimeoutError, CancelledException.
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
  /// The object itself, on its owner. @throws Error elsewhere.
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
