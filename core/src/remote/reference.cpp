#include "remote/reference.hpp"

#include "remote/references.hpp"

namespace cohort::detail {

Reference::~Reference() { let_go(); }

bool Reference::owned_here() const { return owner == references_->router().self(); }

void Reference::add_held(int n) {
  std::lock_guard lock(holding_mutex_);
  holding_.add(n);
}

void Reference::let_go() {
  std::unique_lock lock(holding_mutex_);
  const int count = holding_.let_go();
  lock.unlock();
  give_back(count);
}

void Reference::give_back(int count) {
  if (count > 0) references_->release(owner, ref, count);
}

Reference::Sending::Sending(std::shared_ptr<Reference> reference) : reference_(std::move(reference)) {
  std::lock_guard lock(reference_->holding_mutex_);
  reference_->holding_.begin_sending();
}

Reference::Sending::~Sending() {
  std::unique_lock lock(reference_->holding_mutex_);
  const int count = reference_->holding_.end_sending();
  lock.unlock();
  reference_->give_back(count);
}

}  // namespace cohort::detail
