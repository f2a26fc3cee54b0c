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
/// entry is removed when all counts are zero. A count may be negative for a short time: a release can overtake, on
/// another connection, the acquire that belongs to it. This class only counts; its owner must lock it, and destroy the
/// objects that it drops.
template <class Object>
class CountedEntries {
 public:
  struct Entry {
    boost::container::small_flat_map<Pid, int, 1> counts;  // never zero; most entries are for one process
    Object object{};
  };

  /// Increases the count of `client` by one; a missing entry is created with `make()`. @return the entry's object.
  template <class Make>
  Object& enter(RefId ref, Pid client, Make make) {
    auto [place, inserted] = entries_.try_emplace(ref);
    if (inserted) place->second.object = make();
    change(place->second, client, 1);
    return place->second.object;
  }
  /// Adds `by` to the count of `client`. An object that is dropped by this is moved to `dropped`. A missing entry is
  /// created with `make()` only for an acquire of the process that chose its id, for itself.
  template <class Make>
  void count(RefId ref, Pid client, int by, std::vector<Object>& dropped, Make make) {
    auto place = entries_.find(ref);
    if (place == entries_.end()) {
      if (ref.whence != client || by <= 0) return;
      place = entries_.emplace(ref, Entry{{}, make()}).first;
    }
    change(place, client, by, dropped);
  }
  /// Decreases the count of `client` by one, if there is such an entry.
  void leave(RefId ref, Pid client, std::vector<Object>& dropped) {
    const auto place = entries_.find(ref);
    if (place != entries_.end()) change(place, client, -1, dropped);
  }
  /// Removes the counts of `client`, which is gone. @param touched the objects of all entries that counted it.
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
