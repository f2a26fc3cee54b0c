// The product of two distributed matrices, compared with what Eigen computes, if it is there.
//   cohort run -p 4 build/release/bin/matrix_product 1000

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include <cohort/arrays.hpp>
#include <cohort/cohort.hpp>
#if __has_include(<Eigen/Dense>)
#include <Eigen/Dense>
#endif

using Matrix = cohort::NdArray<double, 2>;

Matrix expected(const Matrix& a, const Matrix& b) {
#if __has_include(<Eigen/Dense>)
  using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const auto view = [](const Matrix& m) {
    return Eigen::Map<const Rows>(m.data(), static_cast<long>(m.extents()[0]), static_cast<long>(m.extents()[1]));
  };
  const Rows product = view(a) * view(b);
  Matrix result({a.extents()[0], b.extents()[1]});
  std::copy_n(product.data(), result.size(), result.data());
  return result;
#else
  return a * b;
#endif
}

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  const std::size_t n = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 200;
  if (cohort::nprocs() == 1) cohort::addprocs(3);

  const auto a = cohort::drand({n, n + 10}, {.seed = 1});
  const auto b = cohort::drand({n + 10, n / 2 + 1}, {.seed = 2});
  const auto c = a * b;
  const Matrix difference = c.gather() - expected(a.gather(), b.gather());
  const double largest = cohort::maximum(abs(difference));
  std::printf("%zu x %zu by %zu x %zu: the largest difference is %s\n", n, n + 10, n + 10, n / 2 + 1,
              largest < 1e-9 * static_cast<double>(n) ? "nothing but rounding" : "TOO LARGE");
}
