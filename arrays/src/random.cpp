#include <cmath>
#include <numbers>

#include <cohort/detail/distributed_kind.hpp>

namespace cohort::detail {

std::uint64_t random_bits(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t x = seed * 0xd1342543de82ef95 + (index + 1) * 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

double random_uniform(std::uint64_t seed, std::uint64_t index) {
  return static_cast<double>(random_bits(seed, index) >> 11) * 0x1p-53;
}

double random_normal(std::uint64_t seed, std::uint64_t index) {
  const double radius = std::sqrt(-2 * std::log(1 - random_uniform(seed, 2 * index)));
  return radius * std::cos(2 * std::numbers::pi * random_uniform(seed, 2 * index + 1));
}

}  // namespace cohort::detail
