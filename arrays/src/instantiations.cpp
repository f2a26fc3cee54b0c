// The templates that instantiations.hpp declares.
#define COHORT_INSTANTIATE_ARRAYS
#include <cohort/darray.hpp>

namespace COHORT_EXPORT cohort {
namespace detail {

#define COHORT_NOTHING_
COHORT_USUAL_ARRAYS_(COHORT_NOTHING_)

}  // namespace detail
}  // namespace cohort
