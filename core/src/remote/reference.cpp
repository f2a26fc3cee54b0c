#include "remote/reference.hpp"

#include "remote/references.hpp"

namespace cohort::detail {

Reference::~Reference() {
  if (const int held = take_held(); held > 0) references_->release(owner, ref, held);
}

bool Reference::owned_here() const { return owner == references_->router().self(); }

}  // namespace cohort::detail
