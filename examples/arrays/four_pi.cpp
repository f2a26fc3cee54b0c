// 2 * A / B in one pass, over arrays of each kind, with the same expression.
//   cohort run -p 4 build/release/bin/four_pi

#include <cmath>
#include <cstdio>
#include <numbers>

#include <cohort/arrays.hpp>
#include <cohort/cohort.hpp>
#if __has_include(<cohort/opencl.hpp>)
#include <cohort/opencl.hpp>
#endif

template <class Array>
void show(const char* kind, const Array& a, const Array& b) {
  const Array c = 2.0 * a / b;
  const bool right = std::abs(cohort::minimum(c) - 4 * std::numbers::pi) < 1e-12 &&
                     std::abs(cohort::maximum(c) - 4 * std::numbers::pi) < 1e-12;
  std::printf("%-24s all are 4 pi: %s\n", kind, right ? "yes" : "no");
}

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  if (cohort::nprocs() == 1) cohort::addprocs(2);

  const cohort::NdArray<double, 1> ones(cohort::Extents<1>{10'000}, 1.0);
  const cohort::NdArray<double, 1> a = ones * std::numbers::pi, b = ones / 2.0;
  show("NdArray", a, b);
  show("DArray", cohort::distribute(a), cohort::distribute(b));
#if __has_include(<cohort/opencl.hpp>)
  using cohort::DeviceArray;
  show("DeviceArray", DeviceArray<double, 1>(a), DeviceArray<double, 1>(b));
  show("DArray of DeviceArrays", cohort::distribute<DeviceArray>(a), cohort::distribute<DeviceArray>(b));
#endif
}
