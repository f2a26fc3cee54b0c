#pragma once

#include <boost/container/flat_map.hpp>
#include <boost/container/small_vector.hpp>
#include <cstddef>
#include <iterator>
#include <map>
#include <utility>
#include <vector>

#include "remote/reference.hpp"

namespace cohort {

/// What an owner keeps because other processes hold handles: an entry for each value, with a count for each process. An
/// entry goes when every count is zero. A count may be negative for a moment: a release can overtake, on another
/// connection, the acquire that it belongs to. It only counts; whoever has it guards it, and destroys what it drops.
template <class Object>
class CountedEntries {
 public:
  struct Entry {
    boost::container::small_flat_map<Pid, int, 1> counts;  // never zero; most entries are for one process
    Object object{};
  };

  /// Counts `client` once more; an entry that is not there is made of `make()`. @return the entry's object.
  template <class Make>
  Object& enter(RefId ref, Pid client, Make make) {
    auto [place, inserted] = entries_.try_emplace(ref);
    if (inserted) place->second.object = make();
    change(place->second, client, 1);
    return place->second.object;
  }
  /// Counts `by` more for `client`. What that drops is moved to `dropped`. Of an entry that is not there, only the
  /// process that made its name can have one made, by an acquire for itself: of `make()`.
  template <class Make>
  void count(RefId ref, Pid client, int by, std::vector<Object>& dropped, Make make) {
    auto place = entries_.find(ref);
    if (place == entries_.end()) {
      if (ref.whence != client || by <= 0) return;
      place = entries_.emplace(ref, Entry{{}, make()}).first;
    }
    change(place, client, by, dropped);
  }
  /// Counts one handle of `client` off, if there is such an entry.
  void leave(RefId ref, Pid client, std::vector<Object>& dropped) {
    const auto place = entries_.find(ref);
    if (place != entries_.end()) change(place, client, -1, dropped);
  }
  /// `client` is gone. @param touched the objects of all entries that counted it.
  void forget(Pid client, std::vector<Object>& touched) {
    for (auto place = entries_.begin(); place != entries_.end();) {
      const auto next = std::next(place);
      if (place->second.counts.erase(client) > 0) {
        touched.push_back(place->second.object);
        if (place->second.counts.empty()) entries_.erase(place);
      }
      place = next;
    }
  }

  const Object* find(RefId ref) const {
    const auto place = entries_.find(ref);
    return place == entries_.end() ? nullptr : &place->second.object;
  }
  std::size_t size() const { return entries_.size(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }

 private:
  using Entries = std::map<RefId, Entry>;

  static void change(Entry& entry, Pid client, int by) {
    const auto place = entry.counts.try_emplace(client, 0).first;
    place->second += by;
    if (place->second == 0) entry.counts.erase(place);
  }
  void change(typename Entries::iterator place, Pid client, int by, std::vector<Object>& dropped) {
    change(place->second, client, by);
    if (!place->second.counts.empty()) return;
    dropped.push_back(std::move(place->second.object));
    entries_.erase(place);
  }

  Entries entries_;
};

}  // namespace cohort
