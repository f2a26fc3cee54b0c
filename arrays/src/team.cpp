#include <cohort/team.hpp>

#include <algorithm>
#include <string>
#include <utility>

#include <cohort/error.hpp>

#include "team_mailbox.hpp"

// The steps of the collective calls. Trees are binomial: in a tree of n ranks the way from a leaf to the root has at
// most log2(n) steps, and every subtree is a range of ranks, so that values can be reduced in the order of the ranks.
// Of small values a rank takes and sends more at once (`radix`): what they cost is that processes fall asleep and are
// woken, which is seldom needed while others still send. What is reduced with what is the same in both trees.

namespace cohort {

using detail::Collective;
using detail::CollectiveCall;

namespace detail {
namespace {

constexpr int no_root = 0;
constexpr int usual_radix = 2, radix_for_small = 16;

std::vector<Payload> only(Payload part) {
  std::vector<Payload> parts;
  parts.push_back(std::move(part));
  return parts;
}

Payload first_of(std::vector<Payload> parts) {
  if (parts.size() != 1) throw BadMessage("a message between ranks has another number of values");
  return std::move(parts.front());
}

/// value = op(value, others...), grouped as (v0 v1) (v2 v3) ...
void append_pairwise(Reducing& value, std::vector<Payload> others) {
  const auto other = [&](std::size_t i) -> Payload& { return others[i - 1]; };
  const std::size_t count = others.size() + 1;
  for (std::size_t step = 1; step < count; step *= 2) {
    value.append(other(step));
    for (std::size_t i = 2 * step; i + step < count; i += 2 * step) other(i) = value.reduced(other(i), other(i + step));
  }
}

/// One collective call of one rank.
struct Steps {
  TeamMailbox& mailbox;
  const CollectiveCall& call;
  const std::string type;
  const WaitOptions& options;
  const int rank = mailbox.rank();
  const int size = mailbox.size();
  const int radix = call.small ? radix_for_small : usual_radix;

  void send(int to, std::vector<Payload> parts) const { mailbox.send_step(call, to, type, std::move(parts)); }
  void send(int to, Payload part) const { send(to, only(std::move(part))); }
  std::vector<Payload> receive_all(int from) const { return mailbox.await_step(call, from, type, options); }
  Payload receive(int from) const { return first_of(receive_all(from)); }

  /// Receives from the parent and sends to the children, those with the largest subtrees first. At the root, sends
  /// `value`. @return what was received, or `value`.
  Payload down(Payload value, int root) const {
    const int place = (rank - root + size) % size;  // in the tree, whose root is 0
    int step = 1;
    while (step < size && place % (step * radix) == 0) step *= radix;
    if (place != 0) value = receive((place - place % (step * radix) + root) % size);
    for (step /= radix; step > 0; step /= radix)
      for (int i = 1; i < radix && place + i * step < size; i++) send((place + i * step + root) % size, value);
    return value;
  }

  /// Reduces the values of this rank and of those after it in its subtree, and sends the result towards rank 0.
  void up(Reducing& value) const {
    for (int step = 1; step < size; step *= radix) {
      if (const int beyond = rank % (step * radix); beyond != 0) return send(rank - beyond, value.encoded());
      std::vector<Payload> others;  // each the value of a subtree of `step` ranks
      for (int i = 1; i < radix && rank + i * step < size; i++) others.push_back(receive(rank + i * step));
      append_pairwise(value, std::move(others));
    }
  }
};

/// Nothing, for a barrier.
class NoValue final : public Reducing {
 public:
  bool small() const override { return true; }
  Payload encoded() const override { return {}; }
  void append(const Payload&) override {}
  void prepend(const Payload&) override {}
  void replace(const Payload&) override {}
  Payload reduced(const Payload&, const Payload&) override { return {}; }
};

template <class Body>
void run(TeamMailbox& mailbox, Collective which, int root, bool small, const std::type_info& type,
         const WaitOptions& options, Body body) {
  mailbox.run_collective({.which = which, .root = root, .small = small}, [&](const CollectiveCall& call) {
    body(Steps{mailbox, call, type.name(), options});
  });
}

template <class Body>
void run(TeamMailbox& mailbox, Collective which, int root, const std::type_info& type, const WaitOptions& options,
         Body body) {
  run(mailbox, which, root, false, type, options, body);
}

void give_to_all(const Steps& steps, Reducing& value) {
  steps.up(value);
  const Payload result = steps.down(steps.rank == 0 ? value.encoded() : Payload{}, 0);
  if (steps.rank != 0) value.replace(result);
}

}  // namespace

Reducing::~Reducing() = default;

void fail_lengths_differ(std::size_t rank, std::size_t its, int own_rank, std::size_t own) {
  throw Error("reduce_scatter: the vector of rank " + std::to_string(rank) + " has " + std::to_string(its) +
              " elements, and that of rank " + std::to_string(own_rank) + " has " + std::to_string(own));
}

}  // namespace detail

Team::Team(std::shared_ptr<detail::TeamMailbox> mailbox, int rank, const std::vector<Pid>& pids)
    : mailbox_(std::move(mailbox)), rank_(rank), pids_(pids) {}

void Team::send_payload(Payload value, const std::type_info& type, int to, int tag) {
  mailbox_->send(to, tag, type.name(), std::move(value));
}

Payload Team::receive_payload(int from, int tag, const std::type_info& type, const WaitOptions& options) {
  return detail::first_of(mailbox_->receive(from, tag, type.name(), options).parts);
}

std::pair<int, Payload> Team::receive_any_payload(int tag, const std::type_info& type, const WaitOptions& options) {
  auto message = mailbox_->receive_any(tag, type.name(), options);
  return {message.from, detail::first_of(std::move(message.parts))};
}

void Team::barrier(const WaitOptions& options) {
  detail::NoValue nothing;
  detail::run(*mailbox_, Collective::barrier, detail::no_root, nothing.small(), typeid(void), options,
              [&](const detail::Steps& steps) { detail::give_to_all(steps, nothing); });
}

Payload Team::broadcast_payload(Payload value, const std::type_info& type, int root, const WaitOptions& options) {
  detail::run(*mailbox_, Collective::broadcast, root, type, options,
              [&](const detail::Steps& steps) { value = steps.down(std::move(value), root); });
  return value;
}

Payload Team::scatter_payloads(std::vector<Payload> parts, const std::type_info& type, int root,
                               const WaitOptions& options) {
  Payload own;
  detail::run(*mailbox_, Collective::scatter, root, type, options, [&](const detail::Steps& steps) {
    if (steps.rank != root) {
      own = steps.receive(root);
      return;
    }
    for (int i = 0; i < steps.size; i++)
      if (i != root) steps.send(i, std::move(parts[static_cast<std::size_t>(i)]));
    own = std::move(parts[static_cast<std::size_t>(root)]);
  });
  return own;
}

std::vector<Payload> Team::gather_payloads(Payload value, const std::type_info& type, int root,
                                           const WaitOptions& options) {
  std::vector<Payload> all;
  detail::run(*mailbox_, Collective::gather, root, type, options, [&](const detail::Steps& steps) {
    if (steps.rank != root) return steps.send(root, std::move(value));
    for (int i = 0; i < steps.size; i++) all.push_back(i == root ? std::move(value) : steps.receive(i));
  });
  return all;
}

// In step k each rank has the values of itself and of the 2^k - 1 ranks after it, and gets as many more from the rank
// behind them.
std::vector<Payload> Team::all_gather_payloads(Payload value, const std::type_info& type, const WaitOptions& options) {
  std::vector<Payload> known;  // of this rank, and those after it
  detail::run(*mailbox_, Collective::all_gather, detail::no_root, type, options, [&](const detail::Steps& steps) {
    known.push_back(std::move(value));
    for (int step = 1; step < steps.size; step *= 2) {
      const int count = std::min(step, steps.size - step);
      steps.send((rank_ - step + steps.size) % steps.size, std::vector<Payload>(known.begin(), known.begin() + count));
      auto more = steps.receive_all((rank_ + step) % steps.size);
      if (more.size() != static_cast<std::size_t>(count))
        throw BadMessage("a message between ranks has another number of values");
      for (Payload& each : more) known.push_back(std::move(each));
    }
  });
  std::rotate(known.begin(), known.end() - rank_, known.end());
  return known;
}

std::vector<Payload> Team::exchange_payloads(std::vector<Payload> parts, const std::type_info& type,
                                             const WaitOptions& options) {
  std::vector<Payload> received(parts.size());
  detail::run(*mailbox_, Collective::reduce_scatter, detail::no_root, type, options, [&](const detail::Steps& steps) {
    for (int step = 1; step < steps.size; step++) {  // each begins with another rank
      const int to = (rank_ + step) % steps.size;
      steps.send(to, std::move(parts[static_cast<std::size_t>(to)]));
    }
    for (int i = 0; i < steps.size; i++) {
      const auto place = static_cast<std::size_t>(i);
      received[place] = i == rank_ ? std::move(parts[place]) : steps.receive(i);
    }
  });
  return received;
}

void Team::reduce_value(detail::Reducing& value, const std::type_info& type, int root, const WaitOptions& options) {
  detail::run(*mailbox_, Collective::reduce, root, value.small(), type, options, [&](const detail::Steps& steps) {
    steps.up(value);  // to rank 0 whatever the root is, so that the order and the grouping do not depend on it
    if (root == 0) return;
    if (rank_ == 0) steps.send(root, value.encoded());
    if (rank_ == root) value.replace(steps.receive(0));
  });
}

void Team::all_reduce_value(detail::Reducing& value, const std::type_info& type, const WaitOptions& options) {
  detail::run(*mailbox_, Collective::all_reduce, detail::no_root, value.small(), type, options,
              [&](const detail::Steps& steps) { detail::give_to_all(steps, value); });
}

// After step k the value is the reduction of 2^(k+1) ranks, or of all before, up to this one.
void Team::scan_value(detail::Reducing& value, const std::type_info& type, const WaitOptions& options) {
  detail::run(*mailbox_, Collective::scan, detail::no_root, type, options, [&](const detail::Steps& steps) {
    for (int step = 1; step < steps.size; step *= 2) {
      if (rank_ + step < steps.size) steps.send(rank_ + step, value.encoded());
      if (rank_ - step >= 0) value.prepend(steps.receive(rank_ - step));
    }
  });
}

}  // namespace cohort
