#pragma once

// Arrays: in one process, in a memory that the processes of a host share, and distributed over processes; and functions
// that run as ranks of a team.

#include <cohort/algorithms.hpp>
#include <cohort/box.hpp>
#include <cohort/darray.hpp>
#include <cohort/nd_array.hpp>
#include <cohort/shared_array.hpp>
#include <cohort/sort.hpp>
#include <cohort/spmd.hpp>
#include <cohort/stencil.hpp>
