#include <cohort/algorithms.hpp>
#include <cohort/box.hpp>

#include <cohort/error.hpp>

namespace cohort::detail {

std::string extents_text(std::span<const std::size_t> extents) {
  std::string text;
  for (const std::size_t extent : extents) text += (text.empty() ? "" : " x ") + std::to_string(extent);
  return text.empty() ? "1" : text;
}

std::string box_text(std::span<const std::size_t> begin, std::span<const std::size_t> end) {
  std::string text;
  for (std::size_t i = 0; i < begin.size(); i++)
    text += (i == 0 ? "[" : " x [") + std::to_string(begin[i]) + ", " + std::to_string(end[i]) + ")";
  return text;
}

void fail_too_many_elements(std::span<const std::size_t> extents, std::size_t element_size) {
  throw Error("an array of " + extents_text(extents) + " elements of " + std::to_string(element_size) +
              " bytes is larger than what can be addressed");
}

void fail_outside(std::span<const std::size_t> index, std::span<const std::size_t> extents) {
  std::string place;
  for (const std::size_t i : index) place += (place.empty() ? "" : ", ") + std::to_string(i);
  throw Error("the index (" + place + ") is outside of an array of " + extents_text(extents) + " elements");
}

void check_reshape(std::span<const std::size_t> from, std::span<const std::size_t> to) {
  const auto count = [](std::span<const std::size_t> extents) {
    std::size_t product = 1;
    for (const std::size_t extent : extents)
      if (__builtin_mul_overflow(product, extent, &product)) return extent == 0 ? std::size_t{0} : ~std::size_t{0};
    return product;
  };
  if (count(from) != count(to))
    throw Error("an array of " + extents_text(from) + " elements cannot be reshaped to " + extents_text(to));
}

void check_same_extents(const char* what, std::span<const std::size_t> a, std::span<const std::size_t> b) {
  if (!std::ranges::equal(a, b))
    throw Error(std::string(what) + ": arrays of " + extents_text(a) + " and of " + extents_text(b) +
                " elements do not fit each other");
}

void check_product(std::span<const std::size_t> a, std::span<const std::size_t> b) {
  if (a[1] != b[0])
    throw Error("a product of arrays of " + extents_text(a) + " and of " + extents_text(b) +
                " elements: the columns of the first are not as many as the rows of the second");
}

void join_extents(std::span<std::size_t> joined, std::span<const std::size_t> extents) {
  for (std::size_t i = 0; i < joined.size(); i++) {
    if (joined[i] != extents[i] && joined[i] != 1 && extents[i] != 1)
      throw Error("an expression with arrays of " + extents_text(joined) + " and of " + extents_text(extents) +
                  " elements: they do not fit each other");
  }
  for (std::size_t i = 0; i < joined.size(); i++)
    if (joined[i] == 1) joined[i] = extents[i];
}

void fail_division_by_zero() { throw Error("an expression of arrays divides an integer by zero"); }

void fail_empty(const char* what) { throw Error(std::string(what) + ": the array is empty"); }

}  // namespace cohort::detail
