// Heat spreads in a plate whose edges are kept cold; a picture of it is printed as it does.
//   cohort run -p 4 build/release/bin/heat 2000 10

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <cohort/arrays.hpp>
#include <cohort/cohort.hpp>

constexpr std::size_t rows = 120, columns = 240;
using Plate = cohort::DArray<double, 2>;

/// Every tenth row and every fourth column, as characters.
void print(const Plate& plate, int step) {
  const auto all = plate.gather();
  std::printf("step %d, heat %.1f\n", step, cohort::sum(plate));
  for (std::size_t i = 5; i < rows; i += 10) {
    for (std::size_t j = 2; j < columns; j += 4) {
      const auto shade = std::clamp(static_cast<int>(all(i, j) * 12), 0, 8);
      std::putchar(" .:-=+*#%"[shade]);
    }
    std::putchar('\n');
  }
}

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  const int steps = argc > 1 ? std::atoi(argv[1]) : 200;
  const int pictures = argc > 2 ? std::atoi(argv[2]) : 2;
  if (cohort::nprocs() == 1) cohort::addprocs(2);

  // A hot square in the middle, made where the parts are.
  Plate plate({rows, columns}, [](const cohort::Box<2>& box) {
    cohort::NdArray<double, 2> part(box.extents());
    for (std::size_t i = box.begin[0]; i < box.end[0]; i++)
      for (std::size_t j = box.begin[1]; j < box.end[1]; j++)
        if (i > 40 && i < 80 && j > 80 && j < 160) part(i - box.begin[0], j - box.begin[1]) = 1;
    return part;
  });
  for (int step = 1; step <= steps; step++) {
    plate = stencil(plate, {.width = 1, .boundary = cohort::constant(0)}, [](const auto& at) {
      return at(0, 0) + 0.2 * (at(-1, 0) + at(1, 0) + at(0, -1) + at(0, 1) - 4 * at(0, 0));
    });
    if (step % std::max(1, steps / std::max(1, pictures)) == 0) print(plate, step);
  }
}
