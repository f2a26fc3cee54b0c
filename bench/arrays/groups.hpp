#pragma once

#include <cstddef>

#include "report.hpp"

// The groups of rows, each with the targets of its rows. Workers are started and removed by the group.

/// @param n the array has n * n * n doubles
void advection(Report& report, int rounds, std::size_t n);
/// `2 * a / b` and sums of so many doubles.
void element_wise(Report& report, int rounds, std::size_t count);
/// What gather() and distribute() take for 64 MiB.
void gathering(Report& report, int rounds);
/// What the stencils of a square of n x n doubles exchange.
void halo(Report& report, int rounds, std::size_t n);
void creation(Report& report, int rounds);
void all_reduce(Report& report, int rounds);
