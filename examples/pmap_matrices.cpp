// Computes the largest singular value of many matrices: pmap balances the large and the small ones.
//   cohort run -p 4 build/release/bin/pmap_matrices 40 200

#include <cmath>
#include <cstdlib>
#include <iostream>
#include <numeric>
#include <random>
#include <vector>

#include <cohort/cohort.hpp>

struct Matrix {  // plain aggregates travel without a line of code
  std::size_t rows = 0, columns = 0;
  std::vector<double> values;
};

Matrix random_matrix(std::size_t rows, std::size_t columns, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  Matrix m{rows, columns, std::vector<double>(rows * columns)};
  for (double& value : m.values) value = normal(random);
  return m;
}

// Uses power iteration on the product of the transpose and the matrix.
double largest_singular_value(const Matrix& m) {
  std::vector<double> v(m.columns, 1.0), u(m.rows);
  double norm = 0;
  for (int step = 0; step < 200; step++) {
    for (std::size_t i = 0; i < m.rows; i++)
      u[i] = std::inner_product(v.begin(), v.end(), m.values.begin() + static_cast<long>(i * m.columns), 0.0);
    std::fill(v.begin(), v.end(), 0.0);
    for (std::size_t i = 0; i < m.rows; i++)
      for (std::size_t j = 0; j < m.columns; j++) v[j] += u[i] * m.values[i * m.columns + j];
    norm = std::sqrt(std::inner_product(v.begin(), v.end(), v.begin(), 0.0));
    for (double& x : v) x /= norm;
  }
  return std::sqrt(norm);
}

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  const unsigned count = argc > 1 ? static_cast<unsigned>(std::atoi(argv[1])) : 20;
  const std::size_t largest = argc > 2 ? static_cast<std::size_t>(std::atoi(argv[2])) : 100;
  if (cohort::nprocs() == 1) cohort::addprocs(2);

  std::vector<Matrix> matrices;
  for (unsigned i = 0; i < count; i++) matrices.push_back(random_matrix(1 + i * largest / count, largest, i));
  const auto values = cohort::pmap(cohort::fn<largest_singular_value>, matrices, {.progress = cohort::progress_bar()});
  for (std::size_t i = 0; i < values.size(); i++)
    std::cout << matrices[i].rows << " x " << matrices[i].columns << ": " << values[i] << '\n';
}
