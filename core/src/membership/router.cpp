#include "membership/router.hpp"

namespace cohort {

Router::~Router() = default;

}  // namespace cohort
