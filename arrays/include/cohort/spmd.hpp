#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include <cohort/archive.hpp>
#include <cohort/detail/call_here.hpp>
#include <cohort/function.hpp>
#include <cohort/future.hpp>
#include <cohort/team.hpp>
#include <cohort/wait_options.hpp>

// One function on several processes at the same time, whose runs talk to each other: single program, multiple data.

namespace COHORT_EXPORT cohort {

namespace detail {

/// Checks the list, and makes a team of it. @throws Error if it is empty or a process is listed twice.
TeamStart new_team(const std::vector<Pid>& pids);

/// Starts `function` on all processes of the team, calls `here` for this process if it is one of them, and waits for
/// all. @return their results in the order of the ranks. @throws as spmd().
std::vector<FuturePtr> run_team(const WaitOptions& options, const TeamStart& start, FunctionId function,
                                const Payload& arguments, const std::function<FuturePtr()>& here);

/// The ranks and the callers of teams in this program (of all its nodes) that have not ended. For tests.
std::size_t open_teams();

/// A rank, from the time at which it can be reached by the others until its function has ended.
class RankScope {
 public:
  /// Waits until all ranks can be reached. @throws Error if the team fails before; InterruptedException.
  explicit RankScope(const TeamStart& start);
  ~RankScope();
  RankScope(const RankScope&) = delete;
  RankScope& operator=(const RankScope&) = delete;
  Team& team() { return team_; }
  /// The function has returned.
  void finish() noexcept;

 private:
  Team team_;
};

/// What a process of the team is called with.
template <class F>
struct RankCall {
  [[no_unique_address]] Portable<F> called;

  template <class... A>
  auto operator()(const TeamStart& start, A&&... arguments) {
    using Returned = std::decay_t<std::invoke_result_t<F&, Team&, A...>>;
    RankScope scope(start);
    if constexpr (std::is_void_v<Returned>) {
      called.function(scope.team(), std::forward<A>(arguments)...);
      scope.finish();
    } else {
      Returned result = called.function(scope.team(), std::forward<A>(arguments)...);
      scope.finish();
      return result;
    }
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(called);
  }
};

template <class F, class... A>
constexpr bool check_rank_function() {
  constexpr bool fits = std::is_invocable_v<F&, Team&, A...>;
  static_assert(fits,
                "cohort: the function of spmd cannot be called with these arguments: its first parameter is a Team&, "
                "then come the arguments, each as a value of its own (text as std::string)");
  if constexpr (fits) {
    constexpr bool plain = !is_task<std::decay_t<std::invoke_result_t<F&, Team&, A...>>>;
    static_assert(plain, "cohort: the function of spmd cannot be a coroutine, because the waits of a Team block");
    return plain;
  } else {
    return false;
  }
}

template <class F, class... A>
constexpr bool check_spmd() {
  if constexpr (!check_function<F>())
    return false;
  else if constexpr (!(... && check_value<A>()))
    return false;
  else
    return check_rank_function<F, A...>();
}

template <class F, class... A>
struct SpmdResult {
  using One = NoResult;
  using All = std::vector<int>;
};
template <class F, class... A>
requires(check_spmd<F, A...>()) struct SpmdResult<F, A...> {
  using One = remote_result_t<RankCall<F>, TeamStart, A...>;
  using All = std::conditional_t<std::is_void_v<One>, void, std::vector<stored_t<One>>>;
};
template <class F, class... A>
using spmd_result_t = SpmdResult<std::decay_t<F>, serialized_as_t<A>...>;

}  // namespace detail

/// Does spmd() with a deadline or a stop token: at the deadline, or when a stop is requested, all ranks are cancelled,
/// as by Future::cancel(): their waits throw. Those that have not ended a second later are left to themselves.
/// @throws also TimeoutError, CancelledException.
template <class F, class... A>
auto spmd(const WaitOptions& options, const std::vector<Pid>& pids, F f, const A&... arguments) ->
    typename detail::spmd_result_t<F, A...>::All {
  using Result = typename detail::spmd_result_t<F, A...>::One;
  if constexpr (std::is_same_v<Result, detail::NoResult>) {
    return {};
  } else {
    using Call = detail::RankCall<std::decay_t<F>>;
    detail::check_not_null(f);
    detail::check_numbers_fit<std::decay_t<F>>(detail::Nothing{}, arguments...);
    const detail::TeamStart start = detail::new_team(pids);
    const Call call{{std::move(f)}};
    const auto ended =
        detail::run_team(options, start, detail::thunk_t<Call, detail::TeamStart, A...>::id(),
                         detail::encode_call(call, start, arguments...),
                         [&] { return detail::state_of(detail::call_here<Result>(Call(call), start, arguments...)); });
    if constexpr (!std::is_void_v<Result>) {
      std::vector<Result> results;
      results.reserve(ended.size());
      for (const auto& each : ended) results.push_back(Future<Result>(each).get(options));
      return results;
    }
  }
}

/// Runs `f(team, arguments...)` on all these processes at the same time, and waits for all. Each process is a *rank* of
/// the team, numbered from 0 in the order of `pids`; by the Team& it exchanges values with the others. The calling
/// process may be one of them, or not. Any number of teams may run on the same processes, also inside of each other,
/// but each rank needs a thread. If two workers cannot connect to each other, the master passes their messages on.
///
///     const auto sums = cohort::spmd(cohort::workers(), [](cohort::Team& team, const std::string& file) {
///       const auto part = load(file, team.rank(), team.size());
///       return team.all_reduce(std::plus<>(), sum_of(part));
///     }, "numbers.txt");
///
/// @param f what remotecall() can call, but no coroutine; its first parameter is a Team&. The Team ends with it.
/// @param arguments sent to each process as values.
/// @return a std::vector of what the ranks have returned, in the order of the ranks; nothing if they return nothing.
/// @throws Error if `pids` is empty or lists a process twice. If a rank fails, the waits of the others fail, those for
/// something else than the team half a second later; when all have ended, spmd() throws what the first one failed of: a
/// RemoteException if its function threw, a ProcessExitedException if the process ended. Any thread but that of the
/// event loop.
template <class F, class... A>
auto spmd(const std::vector<Pid>& pids, F f, const A&... arguments) -> typename detail::spmd_result_t<F, A...>::All {
  return spmd(WaitOptions{}, pids, std::move(f), arguments...);
}

}  // namespace cohort
