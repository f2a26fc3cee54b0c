#pragma once

#include <cstddef>

#include "samples.hpp"

/// The same with Open MPI, on this machine. All throw std::runtime_error.
namespace floors {

/// Whether Open MPI was there when the benchmark was built.
bool has_mpi();
/// `senders` ranks have equal parts of `count` doubles, which one more rank gathers.
Samples mpi_gather(int senders, std::size_t count, int times);
/// The sum of one double of each rank.
Samples mpi_all_reduce(int ranks, int times);

}  // namespace floors
