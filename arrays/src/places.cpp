#include <cohort/detail/places.hpp>

#include <algorithm>
#include <exception>
#include <utility>

#include <cohort/detail/payload.hpp>

namespace cohort::detail {
namespace {

std::vector<std::size_t> places_of(Pid pid, const std::vector<Pid>& holders) {
  std::vector<std::size_t> places;
  for (std::size_t place = 0; place < holders.size(); place++)
    if (holders[place] == pid) places.push_back(place);
  return places;
}

std::shared_ptr<const void> share_payload(const Payload& payload) { return std::make_shared<Payload>(payload); }
Payload payload_of(const std::shared_ptr<const void>& payload) { return *static_cast<const Payload*>(payload.get()); }

// As a call from another process, with the arguments as they are sent. They are copied: if the wait is interrupted, the
// function still runs.
FuturePtr start_here(PlacesFunction function, std::vector<std::size_t> places, const Payload& arguments) {
  auto own = std::make_shared<Payload>(arguments);
  own->own();
  auto state = make_future(no_pid);
  run_here(
      [state, function, own, places = std::move(places)] {
        auto results = std::make_shared<Payload>();
        InArchive archive(*own);
        function(places, archive, *results);
        future_put(*state, results, &payload_of);
      },
      state);
  return state;
}

struct StartedCall {
  Pid pid;
  FuturePtr answer;
};

std::vector<StartedCall> start_calls(const std::vector<Pid>& holders, FunctionId id, PlacesFunction function,
                                     const Payload& arguments, const Payload& message) {
  std::vector<Pid> pids = holders;
  std::ranges::sort(pids);
  pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
  std::erase(pids, no_pid);
  const Pid self = myid();
  const bool here = std::erase(pids, self) > 0;
  std::vector<StartedCall> calls;
  const auto answers = start_on_each(pids, id, message);
  for (std::size_t i = 0; i < pids.size(); i++) calls.push_back({pids[i], answers[i]});
  if (here) calls.push_back({self, start_here(function, places_of(self, holders), arguments)});
  std::ranges::sort(calls, {}, &StartedCall::pid);
  return calls;
}

Payload finish_call(const StartedCall& call, FunctionId id, const Payload& message) {
  try {
    return payload_of(future_take(*call.answer, &share_payload, Taking::move, {}).object);
  } catch (const Error&) {
    if (!is_unconnected(std::current_exception())) throw;
    return fetch_through_master(call.pid, id, message);
  }
}

}  // namespace

Pid holder_of(const Placement& placement, std::size_t place) {
  const Pid owner = placement.owners[place];
  if (placement.copies.empty() || is_alive(owner)) return owner;
  const Pid copy = placement.copies[place];
  return copy != no_pid && is_alive(copy) ? copy : owner;
}

Pid other_holder(const Placement& placement, std::size_t place, Pid holder) {
  if (placement.copies.empty()) return no_pid;
  const Pid other = holder == placement.owners[place] ? placement.copies[place] : placement.owners[place];
  return other != no_pid && other != holder && is_alive(other) ? other : no_pid;
}

void run_places(InArchive& archive, Payload& results, PlacesFunction function) {
  std::vector<Pid> holders;
  archive(holders);
  const Payload arguments = load_payload(archive);
  archive.finish();
  InArchive inner(arguments);
  function(places_of(myid(), holders), inner, results);
}

std::vector<PlacesAnswer> call_places(const PlacedArray& array, FunctionId id, PlacesFunction function,
                                      const Payload& arguments) {
  std::vector<Pid> holders;
  for (std::size_t place = 0; place < array.placement.owners.size(); place++)
    holders.push_back(holder_of(array.placement, place));
  std::vector<PlacesAnswer> answers;
  for (bool more = true; more;) {
    Payload message;
    OutArchive archive(message);
    archive(holders);
    save_payload(archive, arguments);
    const auto calls = start_calls(holders, id, function, arguments, message);
    std::vector<FuturePtr> all;
    for (const StartedCall& call : calls) all.push_back(call.answer);
    wait_for_each(all, {});
    more = false;
    std::exception_ptr failure;
    std::vector<Pid> next(holders.size(), no_pid);
    for (const StartedCall& call : calls) {
      auto places = places_of(call.pid, holders);
      try {
        Payload results = finish_call(call, id, message);
        answers.push_back({std::move(places), std::move(results)});
      } catch (const std::exception&) {
        const auto cause = std::current_exception();
        const auto death = death_in(cause);
        if (death != nullptr && dead_process(death) == call.pid) {
          for (const std::size_t place : places) {
            next[place] = other_holder(array.placement, place, call.pid);
            if (next[place] == no_pid) array.fail_lost(array.head, place, death);
            more = true;
          }
        } else if (failure == nullptr) {
          failure = death != nullptr ? death : cause;
        }
      }
    }
    if (failure != nullptr) std::rethrow_exception(failure);
    holders = std::move(next);
  }
  return answers;
}

void encode_count(Payload& results, std::uint64_t count) { OutArchive(results).operator()(count); }

std::uint64_t sum_of_counts(const std::vector<PlacesAnswer>& answers) {
  std::uint64_t sum = 0;
  for (const PlacesAnswer& answer : answers) sum += decode<std::uint64_t>(answer.results);
  return sum;
}

}  // namespace cohort::detail
