// The largest eigenvalue of a matrix: one function template for arrays in this process, distributed ones, and those of
// devices.
//   cohort run -p 4 build/release/bin/power_method

#include <cstdio>
#include <utility>

#include <cohort/arrays.hpp>
#include <cohort/cohort.hpp>
#if __has_include(<cohort/opencl.hpp>)
#include <cohort/opencl.hpp>
#endif

template <class Matrix, class Vector>
std::pair<Vector, double> power_method(const Matrix& m, Vector v) {
  for (int i = 0; i < 100; i++) {
    v = m * v;
    v /= norm(v);
  }
  return {v, norm(m * v) / norm(v)};
}

void show(const char* kind, const cohort::NdArray<double, 1>& v, double value) {
  std::printf("%-24s ([%.6f, %.6f], %.15f)\n", kind, v[0], v[1], value);
}

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  if (cohort::nprocs() == 1) cohort::addprocs(2);

  const cohort::NdArray<double, 2> m{{2, 1}, {1, 1}};
  const cohort::NdArray<double, 1> v{0.40395, 0.445877};

  const auto [vector, value] = power_method(m, v);
  show("NdArray", vector, value);

  const auto [dvector, dvalue] = power_method(cohort::distribute(m), cohort::distribute(v));
  show("DArray", dvector.gather(), dvalue);

#if __has_include(<cohort/opencl.hpp>)
  using cohort::DeviceArray;
  const auto [cvector, cvalue] = power_method(DeviceArray<double, 2>(m), DeviceArray<double, 1>(v));
  show("DeviceArray", cvector.copy(), cvalue);

  const auto [pvector, pvalue] = power_method(cohort::distribute<DeviceArray>(m), cohort::distribute<DeviceArray>(v));
  show("DArray of DeviceArrays", pvector.gather(), pvalue);
#endif
}
