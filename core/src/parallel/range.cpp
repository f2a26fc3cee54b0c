#include <cohort/range.hpp>

#include <cohort/error.hpp>

namespace cohort::detail {

std::vector<std::size_t> split_evenly(std::size_t count, std::size_t parts) {
  if (parts < 1) throw Error("a range cannot be divided into no parts");
  std::vector<std::size_t> sizes(std::min(count, parts));
  for (std::size_t i = 0; i < sizes.size(); i++) sizes[i] = count / parts + (i < count % parts ? 1 : 0);
  return sizes;
}

void fail_step_of_zero() { throw Error("a range with steps of 0 has no end"); }

}  // namespace cohort::detail
