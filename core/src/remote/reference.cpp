#include "remote/reference.hpp"

#include "remote/references.hpp"

namespace cohort::detail {

// As one step. @param change returns how many to give back; may be called several times, of which the last counts.
template <class Change>
void Reference::change_holding(Change change) {
  Holding before = holding_.load(std::memory_order_relaxed);
  for (;;) {
    Holding after = before;
    const int count = change(after);
    if (holding_.compare_exchange_weak(before, after, std::memory_order_acq_rel, std::memory_order_relaxed))
      return release(count);
  }
}

Reference::~Reference() {
  const int count = holding_.load(std::memory_order_relaxed).let_go();
  if (count > 0 || listed.load()) references_->release(owner, ref, count);
}

bool Reference::owned_here() const { return owner == references_->router().self(); }

void Reference::add_held(int n) {
  change_holding([n](Holding& holding) {
    holding.add(n);
    return 0;
  });
}

void Reference::let_go() {
  change_holding([](Holding& holding) { return holding.let_go(); });
}

void Reference::release(int count) {
  if (count > 0) references_->release(owner, ref, count);
}

Reference::Sending::Sending(std::shared_ptr<Reference> reference) : reference_(std::move(reference)) {
  reference_->change_holding([](Holding& holding) {
    holding.begin_sending();
    return 0;
  });
}

Reference::Sending::~Sending() {
  reference_->change_holding([](Holding& holding) { return holding.end_sending(); });
}

}  // namespace cohort::detail
