#pragma once

#include <boost/intrusive/unordered_set.hpp>
#include <cstddef>
#include <new>
#include <vector>

namespace cohort {

/// What an entry of a HookedTable inherits. An entry that is destroyed removes itself.
using TableHook = boost::intrusive::unordered_set_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

/// Finds entries by their keys, of which two may be the same. It allocates nothing for an entry, and grows by itself.
/// Not synchronized.
/// @tparam KeyOf,Hash as boost::intrusive::key_of_value and hash have them.
template <class Entry, class KeyOf, class Hash>
class HookedTable {
 public:
  using Key = typename KeyOf::type;

  /// The entry must be in no table.
  void insert(Entry& entry) {
    grow();
    entries_.insert(entry);
    count_++;
  }
  /// @return whether it was there.
  bool erase(Entry& entry) {
    if (!entry.TableHook::is_linked()) return false;
    entry.TableHook::unlink();
    count_--;
    return true;
  }
  /// @return null if there is none.
  Entry* find(const Key& key) {
    const auto found = entries_.find(key);
    return found == entries_.end() ? nullptr : &*found;
  }
  bool empty() const { return entries_.empty(); }
  auto begin() { return entries_.begin(); }
  auto end() { return entries_.end(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }

 private:
  using Entries =
      boost::intrusive::unordered_multiset<Entry, boost::intrusive::base_hook<TableHook>,
                                           boost::intrusive::key_of_value<KeyOf>, boost::intrusive::hash<Hash>,
                                           boost::intrusive::constant_time_size<false>,
                                           boost::intrusive::power_2_buckets<true>>;

  // As many buckets as entries: that many entries are found as fast as a few.
  void grow() {
    if (count_ < buckets_.size()) return;
    try {
      std::vector<typename Entries::bucket_type> more(2 * buckets_.size());
      entries_.rehash(typename Entries::bucket_traits(more.data(), more.size()));
      buckets_.swap(more);
    } catch (const std::bad_alloc&) {  // they are only slower to find
    }
  }

  std::vector<typename Entries::bucket_type> buckets_{64};  // of entries_
  Entries entries_{typename Entries::bucket_traits(buckets_.data(), buckets_.size())};
  std::size_t count_ = 0;  // at least as many as there are: those that were destroyed are counted
};

}  // namespace cohort
