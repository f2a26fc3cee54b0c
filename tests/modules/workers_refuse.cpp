// Its static initialiser throws in workers: a program without a chance to catch that ends.

#include <stdexcept>

#include <cohort/cohort.hpp>

namespace {
const bool refused = [] {
  if (cohort::myid() != cohort::master_pid) throw std::runtime_error("this module wants no workers");
  return false;
}();
}  // namespace
