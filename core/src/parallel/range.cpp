#include <cohort/range.hpp>

#include <string>

#include <cohort/error.hpp>

namespace cohort::detail {

std::vector<std::size_t> split_evenly(std::size_t count, std::size_t parts) {
  if (parts < 1) throw Error("a range cannot be divided into no parts");
  std::vector<std::size_t> sizes(std::min(count, parts));
  for (std::size_t i = 0; i < sizes.size(); i++) sizes[i] = count / parts + (i < count % parts ? 1 : 0);
  return sizes;
}

void fail_long_range(std::size_t most) {
  throw Error("a range has more than " + std::to_string(most) + " numbers, which cannot be counted");
}

void fail_end_of_range() {
  throw Error(
      "an end of a range is no number of the range's type, which is that of both ends together: an int and an "
      "unsigned make a range of unsigned, which has no negative numbers");
}

void fail_step_of_zero() { throw Error("a range with steps of 0 has no end"); }

}  // namespace cohort::detail
