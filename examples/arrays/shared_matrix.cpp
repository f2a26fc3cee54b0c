// One matrix in a memory that all workers of this machine share: each fills its part.
//   build/release/bin/shared_matrix

#include <cstdio>

#include <cohort/arrays.hpp>
#include <cohort/cohort.hpp>

using Matrix = cohort::SharedArray<int, 2>;

void print(const char* title, const Matrix& m) {
  std::printf("%s\n", title);
  for (std::size_t i = 0; i < m.extents()[0]; i++) {
    for (std::size_t j = 0; j < m.extents()[1]; j++) std::printf(" %d", m(i, j));
    std::printf("\n");
  }
}

int main(int argc, char** argv) {
  cohort::Session session(argc, argv);
  cohort::addprocs(3);

  // Each process has a part of the elements, in the order of memory.
  Matrix m({3, 4}, [](Matrix& s) {
    for (std::size_t i : s.local_indices()) s[i] = cohort::myid();
  });
  print("by parts", m);

  m(2, 1) = 7;  // seen by all
  print("changed by the master", m);

  // The work can be divided in any other way: here every third element is one process's.
  Matrix strided({3, 4}, [](Matrix& s) {
    for (std::size_t i = *s.index_pid(); i < s.size(); i += s.pids().size()) s[i] = cohort::myid();
  });
  print("by strides", strided);

  // Processes that write to the same elements race: here each fills all of it, and the last one to write an element
  // wins.
  const auto fill = [](const Matrix& s) { std::fill(s.begin(), s.end(), cohort::myid()); };
  cohort::everywhere(m.pids(), fill, m);
  print("after a race (any of 2, 3 and 4)", m);
}
