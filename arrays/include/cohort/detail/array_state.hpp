#pragma once

#include <algorithm>
#include <mutex>
#include <shared_mutex>

#include <cohort/darray.hpp>
#include <cohort/this_call.hpp>

// Included by darray.hpp. How an array is laid out, made, repaired, read and written.

namespace COHORT_EXPORT cohort {
namespace detail {

/// @throws Error that says how much memory was wanted for the part.
[[noreturn]] void fail_no_memory(const std::string& box, std::size_t elements, std::size_t element_size);
/// @throws Error if there is no process for one of them.
void check_copies(const std::vector<Pid>& copies);
/// For each place another process than its owner, of the owners or else of the workers; no_pid if there is none.
std::vector<Pid> choose_copies(const std::vector<Pid>& owners);
/// All workers, at most as many as the longest extent, if there are extents; this process if there are none.
std::vector<Pid> default_pids(std::span<const std::size_t> extents);
/// @throws Error if a process is listed that does not exist, the number of copies is not 0 or 1, or there are cuts of
/// more dimensions than there are.
void check_darray_options(const std::vector<Pid>& pids, int copies, std::size_t cuts, std::size_t dimensions);

template <std::size_t N>
ArrayHead<N> make_head(const Extents<N>& extents, const DArrayOptions<N>& options, bool check = true) {
  if (check) check_darray_options(options.pids, options.copies, options.cuts.size(), N);
  auto cuts = options.cuts;
  cuts.resize(N);
  element_count(extents);
  std::vector<Pid> pids = options.pids.empty() ? default_pids(extents) : options.pids;
  Extents<N> grid = options.grid;
  bool given = false;
  for (std::size_t i = 0; i < N; i++) {
    if (!cuts[i].empty()) grid[i] = cuts[i].size() - 1;
    given = given || grid[i] != 0;
  }
  if (!given) {
    default_grid(extents, pids.size(), grid);
  } else {
    for (std::size_t& each : grid) each = std::max<std::size_t>(each, 1);
    if (options.pids.empty()) pids = default_pids({});
  }
  check_places(grid, pids.size());
  ArrayHead<N> head;
  head.id = UniqueId::make();
  for (std::size_t i = 0; i < N; i++)
    head.dimensions[i] = dimension_layout(i, extents[i], grid[i], options.block[i], cuts[i]);
  pids.resize(head.places());
  head.placement.owners = std::move(pids);
  if (options.copies != 0) {
    head.placement.copies = choose_copies(head.placement.owners);
    if (check) check_copies(head.placement.copies);
  }
  return head;
}

template <std::size_t N>
DArrayOptions<N> options_of(const ArrayHead<N>& head, Repair repair) {
  DArrayOptions<N> options;
  for (std::size_t place = 0; place < head.places(); place++) options.pids.push_back(holder_of(head, place));
  options.grid = head.grid();
  for (std::size_t i = 0; i < N; i++) {
    options.block[i] = head.dimensions[i].block;
    options.cuts.push_back(head.dimensions[i].cuts);
  }
  options.copies = head.placement.copies.empty() ? 0 : 1;
  options.repair = repair;
  return options;
}

template <std::size_t N>
std::vector<std::size_t> places_here(const ArrayHead<N>& head) {
  std::vector<std::size_t> places;
  for (std::size_t place = 0; place < head.places(); place++)
    if (holder_of(head, place) == myid()) places.push_back(place);
  return places;
}

template <class T, std::size_t N, template <class, std::size_t> class Part>
PartOf<Part<T, N>, N>& local_part_of(const std::shared_ptr<ArrayState<T, N, Part>>& state, std::size_t number) {
  const auto head = state->head();
  const auto places = places_here(*head);
  if (number >= places.size())
    throw Error("process " + std::to_string(myid()) + " has " + (number == 0 ? "no" : std::to_string(places.size())) +
                " part" + (places.size() > 1 ? "s" : "") + " of this array of " + extents_text(head->extents()) +
                " elements");
  auto part = part_here<Part<T, N>, N>(head->id, places[number]);
  const MutexLock lock(state->mutex);
  state->local.resize(std::max(state->local.size(), number + 1));
  state->local[number] = std::move(part);
  return *state->local[number];
}

// The values of parts

/// So many bytes are sent out of the memory of a part; fewer are copied.
inline constexpr std::size_t lent_from = 1 << 20;

/// What is called in the processes that have parts. The functions are not inline, so that the library has them for the
/// usual types (see instantiations.hpp).
template <class T, std::size_t N, template <class, std::size_t> class Part>
struct PartFunctions {
  using Values = Part<T, N>;

  static Sent<T, N> read(const UniqueId& array, std::size_t place, const Region<N>& wanted);
  /// Does read(), but without a copy if nobody waits to write: who comes to write then waits until the elements were
  /// sent. For a call whose result is sent at once.
  static Sent<T, N> lend(const UniqueId& array, std::size_t place, const Region<N>& wanted);
  static void write(const UniqueId& array, std::size_t place, const UniqueId& id, const Region<N>& region,
                    const Sent<T, N>& values, Writing writing);
  /// Keeps the values of a new array, and sends them to who has the copy.
  static void store(const ArrayHead<N>& head, std::size_t place, Values values);
  /// Does store(), with what was sent. @param keeper is held as long as this runs, in case the caller ends meanwhile.
  static void create(const ArrayHead<N>& head, std::size_t place, const RemoteStore<ArrayKeeper>& keeper,
                     Sent<T, N> values);

  // Copies

  /// Keeps what another process sends, in place of what was there.
  static void store_copy(const UniqueId& array, std::size_t place, const Region<N>& region, const NdArray<T, N>& values,
                         Pid owner);
  /// Sends all of a part to the process that has the copy, or will have it. A process that is gone is forgotten.
  static void send_copy(const UniqueId& array, std::size_t place, Pid to);
  /// Does what another process has done to its part, of which this one has the copy.
  static void change_copy(const UniqueId& array, std::size_t place, const UniqueId& change, const Region<N>& region,
                          const Sent<T, N>& values);
  /// Has the copy of a part changed, if there is one. Called with the token.
  static void send_change(PartOf<Values, N>& part, const UniqueId& array, std::size_t place, const UniqueId& change,
                          const Region<N>& region);
  /// Lets `apply(part)` change the part, and then the copy, if there is one. If this change was made already, before
  /// its owner ended, nothing happens. What was changed before `apply` threw is changed in the copy, too. @param region
  /// what is changed
  template <class Apply>
  static void change(const UniqueId& array, std::size_t place, const UniqueId& change, const Region<N>& region,
                     Apply&& apply) {
    const auto part = part_here<Values, N>(array, place);
    if (part->other == no_pid) return apply(*part);
    const ChangeTurn turn(*part);
    if (part->note_change(change)) return;
    try {
      apply(*part);
    } catch (...) {
      send_change(*part, array, place, change, region);
      throw;
    }
    send_change(*part, array, place, change, region);
  }
};

/// Does PartFunctions::read() for another process: if the elements are few, on the event loop, where the two of a halo
/// exchange need not wake another thread for each other.
template <class T, std::size_t N, template <class, std::size_t> class Part>
struct ReadPart {
  Sent<T, N> operator()(const UniqueId& array, std::size_t place, const Region<N>& wanted) const {
    return PartFunctions<T, N, Part>::read(array, place, wanted);
  }
  static std::optional<Sent<T, N>> try_on_loop(const UniqueId& array, std::size_t place, const Region<N>& wanted);
};
template <class T, std::size_t N, template <class, std::size_t> class Part>
inline constexpr bool can_try_on_loop<ReadPart<T, N, Part>> = bitwise<T>() && std::is_same_v<Part<T, N>, NdArray<T, N>>;

template <class T, std::size_t N, template <class, std::size_t> class Part>
std::optional<Sent<T, N>> ReadPart<T, N, Part>::try_on_loop(const UniqueId& array, std::size_t place,
                                                            const Region<N>& wanted) {
  constexpr std::size_t few = (64 << 10) / sizeof(T);
  if (element_count(wanted.extents(), sizeof(T)) > few) return std::nullopt;
  const auto part = part_here<Part<T, N>, N>(array, place);
  const std::shared_lock lock(part->mutex, std::try_to_lock);
  if (!lock.owns_lock()) return std::nullopt;
  return copy_to_send(part->values, part->region, wanted);
}

template <class T, std::size_t N, template <class, std::size_t> class Part>
Sent<T, N> PartFunctions<T, N, Part>::read(const UniqueId& array, std::size_t place, const Region<N>& wanted) {
  const auto part = part_here<Values, N>(array, place);
  const std::shared_lock lock(part->mutex);
  return copy_to_send(part->values, part->region, wanted);
}

template <class T, std::size_t N, template <class, std::size_t> class Part>
Sent<T, N> PartFunctions<T, N, Part>::lend(const UniqueId& array, std::size_t place, const Region<N>& wanted) {
  if constexpr (bitwise<T>() && std::is_same_v<Values, NdArray<T, N>>) {
    const auto part = part_here<Values, N>(array, place);
    const auto loan = std::make_shared<Loan>(part, this_call().caller());
    if (loan->granted) {
      loan->memory = ArrayMemory::owner(part->values);
      const T* first = consecutive(part->values, part->region, wanted);
      if (first != nullptr && loan->memory != nullptr) return {loan, first, wanted.extents(), true};
    }
  }
  return read(array, place, wanted);
}

template <class T, std::size_t N, template <class, std::size_t> class Part>
void PartFunctions<T, N, Part>::write(const UniqueId& array, std::size_t place, const UniqueId& id,
                                      const Region<N>& region, const Sent<T, N>& values, Writing writing) {
  change(array, place, id, region, [&](PartOf<Values, N>& part) {
    const std::unique_lock lock(part.mutex);
    copy_in(values, region, part.values, part.region, writing);
  });
}

template <class T, std::size_t N, template <class, std::size_t> class Part>
void PartFunctions<T, N, Part>::store(const ArrayHead<N>& head, std::size_t place, Values values) {
  Region<N> region = head.region(place);
  check_same_extents("the part of a DArray", values.extents(), region.extents());
  if constexpr (std::is_same_v<Values, NdArray<T, N>>)
    if (values.size() >= lent_from / sizeof(T)) ArrayMemory::make_owner(values);
  auto part = std::make_shared<PartOf<Values, N>>(std::move(region), std::move(values));
  const Pid other = other_holder(head, place, myid());
  store_part(head.id, place, myid(), part);
  if (other != no_pid) send_copy(head.id, place, other);
}

template <class T, std::size_t N, template <class, std::size_t> class Part>
void PartFunctions<T, N, Part>::create(const ArrayHead<N>& head, std::size_t place, const RemoteStore<ArrayKeeper>&,
                                       Sent<T, N> values) {
  store(head, place, Values(to_array(std::move(values))));
}

template <class T, std::size_t N, template <class, std::size_t> class Part>
void PartFunctions<T, N, Part>::store_copy(const UniqueId& array, std::size_t place, const Region<N>& region,
                                           const NdArray<T, N>& values, Pid owner) {
  auto part = std::make_shared<PartOf<Values, N>>(region, Values(values));
  part->other = owner;
  store_part(array, place, myid(), std::move(part));
}

template <class T, std::size_t N, template <class, std::size_t> class Part>
void PartFunctions<T, N, Part>::send_copy(const UniqueId& array, std::size_t place, Pid to) {
  const auto part = part_here<Values, N>(array, place);
  const ChangeTurn turn(*part);
  try {
    call_member(fn<&PartFunctions::store_copy>, to, array, place, part->region,
                copy_out(part->values, part->region, part->region), myid())
        .get();
    part->other = to;
  } catch (const Error&) {
    if (death_in(std::current_exception()) == nullptr) throw;
    part->other = no_pid;
  }
}

template <class T, std::size_t N, template <class, std::size_t> class Part>
void PartFunctions<T, N, Part>::change_copy(const UniqueId& array, std::size_t place, const UniqueId& change,
                                            const Region<N>& region, const Sent<T, N>& values) {
  const auto part = part_here<Values, N>(array, place);
  part->note_change(change);
  const std::unique_lock lock(part->mutex);
  copy_in(values, region, part->values, part->region, Writing::put);
}

template <class T, std::size_t N, template <class, std::size_t> class Part>
void PartFunctions<T, N, Part>::send_change(PartOf<Values, N>& part, const UniqueId& array, std::size_t place,
                                            const UniqueId& change, const Region<N>& region) {
  const Pid other = part.other;
  if (other == no_pid || !is_alive(other)) return;
  try {
    call_member(fn<&PartFunctions::change_copy>, other, array, place, change, region,
                read(array, place, intersection(region, part.region)))
        .get();
  } catch (const Error&) {
    if (death_in(std::current_exception()) == nullptr) throw;
    part.other = no_pid;
  }
}

template <class T, std::size_t N, template <class, std::size_t> class Part, class Body>
struct CreatePart {
  [[no_unique_address]] Portable<Body> body;
  /// @param keeper is held as long as this runs, in case the caller ends meanwhile. @return how many bytes moved
  template <class... A>
  std::uint64_t operator()(const ArrayHead<N>& head, std::size_t place, const RemoteStore<ArrayKeeper>&,
                           const A&... arguments) {
    std::uint64_t moved = 0;
    try {
      PartFunctions<T, N, Part>::store(head, place, Part<T, N>(body.function(head, place, moved, arguments...)));
    } catch (const std::bad_alloc&) {
      fail_no_memory(to_string(head.region(place).hull()), element_count(head.region(place).extents()), sizeof(T));
    }
    return moved;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(body);
  }
};

template <class T, std::size_t N, template <class, std::size_t> class Part>
std::shared_ptr<ArrayState<T, N, Part>> make_state(ArrayHead<N> head, Repair repair) {
  auto state = std::make_shared<ArrayState<T, N, Part>>();
  state->keeper = make_keeper(head.id, head.placement);
  state->repair_mode = repair;
  state->set_head(std::move(head));
  return state;
}
/// What is sent with a call that makes parts: the master counts its own handle without messages.
inline RemoteStore<ArrayKeeper> sent_keeper(const RemoteStore<ArrayKeeper>& keeper) {
  return myid() == master_pid ? RemoteStore<ArrayKeeper>() : keeper;
}

template <class T, std::size_t N, template <class, std::size_t> class Part, class Body, class... A>
DArray<T, N, Part> make_with_head(ArrayHead<N> head, Repair repair, Body body, const A&... arguments) {
  const auto state = make_state<T, N, Part>(std::move(head), repair);
  state->moved_bytes = on_each_place(*state->head(), CreatePart<T, N, Part, Body>{{std::move(body)}},
                                     sent_keeper(state->keeper), arguments...);
  return DArray<T, N, Part>(state);
}
template <class T, std::size_t N, template <class, std::size_t> class Part, class Body, class... A>
DArray<T, N, Part> make_darray(const Extents<N>& extents, const DArrayOptions<N>& options, Body body,
                               const A&... arguments) {
  element_count(extents, sizeof(T));
  return make_with_head<T, N, Part>(make_head(extents, options), options.repair, std::move(body), arguments...);
}

template <class T, std::size_t N, template <class, std::size_t> class Part>
DArray<T, N, Part> distribute(const NdArray<T, N>& array, const DArrayOptions<N>& options) {
  const auto state = make_state<T, N, Part>(make_head(array.extents(), options), options.repair);
  const auto head = state->head();
  const Region<N> all(Box<N>::all(array.extents()));
  const auto keeper = sent_keeper(state->keeper);
  auto calls = place_calls<void>(*head, [&](auto&& call, Pid holder, std::size_t place, std::size_t) {
    return call(fn<&PartFunctions<T, N, Part>::create>, holder, *head, place, keeper,
                sent_to(holder, array, all, head->region(place)));
  });
  for (std::size_t place = 0; place < head->places(); place++) calls.start(place);
  for (std::size_t place = 0; place < head->places(); place++) calls.finish(place);
  return DArray<T, N, Part>(state);
}

/// An array whose elements are written next, and its memory if parts of other processes can be received into it.
template <class T, std::size_t N>
std::pair<NdArray<T, N>, std::shared_ptr<std::byte>> array_to_receive(const Extents<N>& extents) {
  if constexpr (bitwise<T>() && alignof(T) <= 64) {
    const auto memory = segment_memory(element_count(extents, sizeof(T)) * sizeof(T));
    return {NdArray<T, N>(memory, reinterpret_cast<T*>(memory.get()), extents), memory};
  } else {
    return {NdArray<T, N>(Uninitialized(), extents), nullptr};
  }
}

template <class T, std::size_t N, template <class, std::size_t> class Part>
NdArray<T, N> get_region(const ArrayHead<N>& head, const Region<N>& wanted, std::uint64_t* moved) {
  std::vector<Region<N>> regions;
  const auto is_large = [](const Region<N>& region) {
    return element_count(region.extents()) >= lent_from / sizeof(T);
  };
  auto calls = place_calls<Sent<T, N>>(head, [&](auto&& call, Pid holder, std::size_t place, std::size_t number) {
    if (is_large(regions[number]))
      return call(fn<&PartFunctions<T, N, Part>::lend>, holder, head.id, place, regions[number]);
    return call(ReadPart<T, N, Part>(), holder, head.id, place, regions[number]);
  });
  std::vector<std::pair<std::size_t, Region<N>>> here;
  std::vector<std::size_t> elsewhere;
  head.for_each_place(wanted, [&](std::size_t place, const Region<N>& region) {
    if (holder_of(head, place) == myid()) {
      here.emplace_back(place, region);
    } else {
      regions.push_back(region);
      elsewhere.push_back(place);
      if (moved != nullptr) *moved += element_count(region.extents()) * sizeof(T);
    }
  });
  // Large parts come one after the other anyway.
  for (std::size_t i = 0; i < regions.size(); i++) {
    if ((here.empty() && regions.size() == 1) || is_large(regions[i]))
      calls.postpone(elsewhere[i]);
    else
      calls.start(elsewhere[i]);
  }
  if (here.empty() && regions.size() == 1 && regions[0] == wanted) return to_array(calls.finish(0));
  auto [result, memory] = array_to_receive<T, N>(wanted.extents());
  for (const auto& [place, region] : here) {
    const auto part = part_here<Part<T, N>, N>(head.id, place);
    const std::shared_lock lock(part->mutex);
    if constexpr (std::is_same_v<Part<T, N>, NdArray<T, N>>)
      copy_in(part->values, part->region, result, wanted, Writing::put);
    else
      copy_in(copy_out(part->values, part->region, region), region, result, wanted, Writing::put);
  }
  for (std::size_t i = 0; i < regions.size(); i++) {
    const T* first = memory == nullptr ? nullptr : consecutive(result, wanted, regions[i]);
    ReceivingMemory receiving;
    if (first != nullptr)
      receiving = {{memory, reinterpret_cast<std::byte*>(const_cast<T*>(first))},
                   element_count(regions[i].extents()) * sizeof(T)};
    const ReceiveInto scope(std::move(receiving));
    const auto values = calls.finish(i);
    if (first == nullptr || values.data() != first) copy_in(values, regions[i], result, wanted, Writing::put);
  }
  return std::move(result);
}

template <class T, std::size_t N, template <class, std::size_t> class Part>
void put_region(const ArrayHead<N>& head, const Region<N>& region, const NdArray<T, N>& values, Writing writing) {
  std::vector<std::pair<Region<N>, UniqueId>> pieces;
  auto calls = place_calls<void>(head, [&](auto&& call, Pid holder, std::size_t place, std::size_t number) {
    const auto& [piece, change] = pieces[number];
    return call(fn<&PartFunctions<T, N, Part>::write>, holder, head.id, place, change, piece,
                sent_to(holder, values, region, piece), writing);
  });
  head.for_each_place(region, [&](std::size_t place, const Region<N>& both) {
    pieces.emplace_back(both, UniqueId::make());
    calls.start(place);
  });
  for (std::size_t i = 0; i < pieces.size(); i++) calls.finish(i);
}

// Repair

/// Gives the places of processes that are gone to those that have the copies, and chooses who has new copies.
/// @return the places of which a copy has to be sent. @throws ProcessExitedException for a place that is lost.
template <std::size_t N>
std::vector<std::size_t> replace_holders(const ArrayHead<N>& head, Placement& placement) {
  std::vector<std::size_t> wanting;
  for (std::size_t place = 0; place < placement.owners.size(); place++) {
    Pid& owner = placement.owners[place];
    Pid& copy = placement.copies[place];
    if (!is_alive(owner)) {
      if (copy == no_pid || !is_alive(copy))
        fail_lost(death_of(owner), to_string(head.region(place).hull()), head.extents());
      owner = std::exchange(copy, no_pid);
    }
    if (copy == no_pid || !is_alive(copy)) {
      copy = no_pid;
      wanting.push_back(place);
    }
  }
  const auto copies = choose_copies(placement.owners);
  for (const std::size_t place : wanting) placement.copies[place] = copies[place];
  std::erase_if(wanting, [&](std::size_t place) { return copies[place] == no_pid; });
  return wanting;
}

/// Runs on the master.
template <class T, std::size_t N, template <class, std::size_t> class Part>
Placement repair_on_master(const RemoteStore<ArrayKeeper>& keeper, ArrayHead<N> head) {
  keeper.local()->repair([&](Placement& placement) {
    for (;;) {
      const auto wanting = replace_holders(head, placement);
      if (wanting.empty()) break;
      std::vector<Future<void>> sent;
      bool again = false;
      for (const std::size_t place : wanting) {
        try {
          sent.push_back(remotecall(fn<&PartFunctions<T, N, Part>::send_copy>, placement.owners[place], head.id, place,
                                    placement.copies[place]));
        } catch (const ProcessExitedException&) {
          again = true;
        }
      }
      for (auto& each : sent) {
        try {
          each.get();
        } catch (const Error&) {
          if (death_in(std::current_exception()) == nullptr) throw;
          again = true;
        }
      }
      for (const std::size_t place : wanting) again = again || !is_alive(placement.copies[place]);
      if (!again) break;
    }
  });
  return keeper.local()->placement();
}

template <class T, std::size_t N, template <class, std::size_t> class Part>
void repair(const std::shared_ptr<ArrayState<T, N, Part>>& state) {
  ArrayHead<N> head = *state->head();
  if (head.placement.copies.empty()) return check_holders(head);
  try {
    head.placement = remotecall_fetch(fn<&repair_on_master<T, N, Part>>, master_pid, state->keeper, head);
  } catch (const RemoteException&) {
    if (const auto death = death_in(std::current_exception())) std::rethrow_exception(death);
    throw;
  }
  state->set_head(std::move(head));
}

template <class T, std::size_t N, template <class, std::size_t> class Part>
std::shared_ptr<const ArrayHead<N>> usable_head(const std::shared_ptr<ArrayState<T, N, Part>>& state) {
  auto head = state->head();
  if (head->placement.copies.empty() || !state->keeper.valid() || is_whole(head->placement)) return head;
  ArrayHead<N> fresh = *head;
  fresh.placement = state->keeper.template call<&ArrayKeeper::placement>();
  const bool whole = is_whole(fresh.placement);
  state->set_head(std::move(fresh));
  if (!whole && state->repair_mode == Repair::automatic) repair(state);
  return state->head();
}

}  // namespace detail
}  // namespace cohort
